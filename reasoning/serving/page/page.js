// The page of the server: a question, one strategy or two, and what they answer. All data is inserted as text.
import { Trouble, hasKey, models, useKey } from "./client.js";
import { $, keepTheme } from "./forms.js";
import { el, put } from "./parts.js";
import { side } from "./side.js";

const LONGEST_LINK = 6000; // characters; longer addresses are cut by some programs
const WITH_OPTIONS = new Set(["choice", "label"]);
const FIELDS = ["first", "second", "kind", "options", "question"];
let cards = new Map(), running = null;

// ---- the form and its address

function fill(options, found) {
  for (const name of ["first", "second"]) {
    const before = $(name).value, none = name === "second" ? [["", "nothing"]] : [];
    $(name).replaceChildren(...[...none, ...found.map((one) => [one, one])].map(([value, title]) => Object.assign(el("option", "", title), { value })));
    if ([...$(name).options].some((one) => one.value === before)) $(name).value = before;
  }
  for (const name of FIELDS) {
    const wanted = options.get(name);
    if (wanted !== null) $(name).value = wanted;
    if ($(name).selectedIndex === -1) {
      complain(`The link asks for ${name === "kind" ? "the kind" : "the strategy"} "${wanted}", which this server does not have.`);
      $(name).selectedIndex = 0;
    }
  }
  describe();
}

function describe() {
  for (const name of ["first", "second"]) {
    const card = cards.get($(name).value), place = $(`about-${name}`);
    place.hidden = !card;
    if (card) {
      place.firstElementChild.replaceChildren(el("b", "", card.id), " ", el("span", "dim", summary(card)));
      write(place.lastElementChild, about(card));
    }
  }
  $("of-options").hidden = !WITH_OPTIONS.has($("kind").value);
  $("options").required = !$("of-options").hidden;
}

function summary({ reasoning: { strategy, calls: [low, high] } }) {
  const range = low === high ? `${low} ${low === 1 ? "call" : "calls"}` : `${low} to ${high} calls`;
  return `${strategy} · ${range}`;
}

function about({ reasoning: { title, summary: does, use_when: use, avoid_when: avoid } }) {
  const parts = [title, does, use && `Use it when ${use}`, avoid && `Avoid it when ${avoid}`];
  return parts.filter(Boolean).map((one) => `${one.replace(/[.\s]+$/, "")}.`).join(" ");
}

function address() {
  const params = new URLSearchParams();
  for (const name of FIELDS) {
    if ($(name).value && (name !== "options" || !$("of-options").hidden)) params.set(name, $(name).value);
  }
  return `#${params}`;
}

function remember() {
  const now = address(), short = now.length <= LONGEST_LINK;
  $("link").hidden = !short;
  $("link").href = short ? now : "#";
  if (short) history.replaceState(null, "", now);
}

// ---- asking

function write(place, text) {
  place.replaceChildren();
  put(place, text);
}

function complain(message) {
  write($("trouble"), message);
  $("trouble").hidden = !message;
}

function body(fresh) {
  const kind = $("kind").value, options = $("options").value.split("\n").map((line) => line.trim()).filter(Boolean);
  return {
    messages: [{ role: "user", content: $("question").value }],
    ...(kind ? { kind: WITH_OPTIONS.has(kind) ? { kind, options } : kind } : {}),
    ...(fresh ? { series: "new" } : {}),
  };
}

async function ask(fresh) {
  if (running || !$("ask").reportValidity()) return;
  complain("");
  remember();
  const sides = [$("first").value, $("second").value].filter(Boolean).map(side);
  $("side").replaceChildren(...sides.map(([article]) => article));
  $("side").hidden = false;
  write($("said"), "asked");
  running = new AbortController();
  busy(true);
  try {
    const asked = body(fresh), ended = sides.map(([, run]) => run(asked, running.signal).then((line) => { write($("said"), line); return line; }));
    const settled = await Promise.allSettled(ended);
    write($("said"), settled.map((one) => one.value || "").join(". "));
    const failed = settled.find((one) => one.status === "rejected");
    if (failed) stopped(failed.reason);
  } finally {
    running = null;
    busy(false);
  }
}

// A button that is disabled while it has the focus passes it on, so that the keyboard keeps its place.
function busy(now) {
  const [on, off] = now ? [["cancel"], ["recorded", "fresh"]] : [["recorded", "fresh"], ["cancel"]];
  for (const name of on) $(name).disabled = false;
  if (off.some((name) => $(name) === document.activeElement)) $(on[0]).focus();
  for (const name of off) $(name).disabled = true;
  document.documentElement.dataset.state = now ? "running" : "idle";
}

// Show why the page cannot go on; ask for a key if that is what is missing.
function stopped(error) {
  if (!(error instanceof Trouble)) throw error;
  complain(error.status !== 401 ? error.message : hasKey() ? "The server does not know this key." : "This server needs a key.");
  if (error.status !== 401) return;
  $("access").hidden = false;
  $("ask").hidden = !cards.size;
  $("key").focus();
}

// ---- start

if (document.documentElement.dataset.draws === "new") {
  $("fresh").hidden = true;
  $("about-fresh").textContent = "This server draws every answer anew.";
} else {
  $("about-fresh").textContent = "The same question gets the same recorded draws again, which cost nothing. New draws are made and paid for.";
}

async function begin() {
  try {
    const found = await models();
    cards = new Map(found.map((one) => [one.id, one]));
    if (!cards.size) throw new Trouble("The server offers no strategy.");
    complain("");
    $("access").hidden = true;
    $("ask").hidden = false;
    fill(new URLSearchParams(location.hash.slice(1)), [...cards.keys()]);
  } catch (error) {
    stopped(error);
  } finally {
    document.documentElement.dataset.ready = "yes";
  }
}

$("ask").onsubmit = (event) => { event.preventDefault(); ask(false); };
$("fresh").onclick = () => ask(true);
$("cancel").onclick = () => running?.abort();
$("ask").onchange = describe;
$("question").onkeydown = (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); ask(false); } };
$("access").onsubmit = (event) => {
  event.preventDefault();
  const given = $("key").value.trim();
  $("key").value = "";
  if (/[^\x20-\x7e]/.test(given)) { complain("A key that is sent in a header has ASCII characters only; this one has others."); return; }
  useKey(given);
  begin();
};
$("skip").onclick = (event) => { event.preventDefault(); ($("ask").hidden ? $("main") : $("question")).focus(); };
window.addEventListener("hashchange", () => {
  if (!cards.size || location.hash === address()) return;
  $("ask").reset();
  fill(new URLSearchParams(location.hash.slice(1)), [...cards.keys()]);
});
keepTheme($("theme"));
begin();
