// The behaviour of a report in the browser. All data is inserted as text, never as markup.

const core = JSON.parse(document.getElementById("core").textContent);
const PER_PAGE = 100;
const $ = (id) => document.getElementById(id);

async function unpack(id) {
  const bytes = Uint8Array.from(atob($(id).textContent), (one) => one.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// A cache of a few groups of traces.
const unpacked = new Map();
async function traces(problem) {
  const group = core.groups.findLastIndex((first) => first <= problem);
  if (group < 0) return [];
  if (!unpacked.has(group)) {
    if (unpacked.size > 3) unpacked.delete(unpacked.keys().next().value);
    unpacked.set(group, unpack(`traces-${group}`));
  }
  return (await unpacked.get(group))[problem] || [];
}

// The length of the common beginning of all ids, up to the end of a word. Phones leave it out.
const front = (() => {
  const [first = ""] = core.ids;
  let length = first.length;
  for (const id of core.ids) while (!id.startsWith(first.slice(0, length))) length -= 1;
  const whole = first.slice(0, length).search(/[^-_./: ]*$/);
  return core.ids.length > 1 && whole > 3 ? whole : 0;
})();

const cells = core.states.map((line) => line.split(","));
let rules = [], problems = null, shown = [], page = 0, open = -1;

document.querySelectorAll("table.sortable").forEach(makeSortable);

// ---- switches

$("theme").onchange = (event) => { document.documentElement.dataset.theme = event.target.value; };
const measure = $("measure");
if (measure) {
  const choose = () => document.querySelectorAll("[data-measure]").forEach((one) => { one.hidden = one.dataset.measure !== measure.value; });
  measure.onchange = choose;
  choose();
}

// ---- the matrix and its filters

function matches(row, show, of) {
  const chosen = of === "" ? row.filter(Boolean) : [row[of]].filter(Boolean);
  const right = (cell) => cell.includes("r"), whole = (cell) => /^r+$/.test(cell);
  const every = row.filter((cell) => cell && !/^f+$/.test(cell));
  if (show === "all") return true;
  if (!chosen.length) return false;
  if (show === "right") return chosen.every(whole);
  if (show === "wrong") return chosen.every((cell) => !right(cell) && !/^f+$/.test(cell));
  if (show === "unparsed") return chosen.some((cell) => cell.includes("u"));
  if (show === "failed") return chosen.some((cell) => cell.includes("f"));
  if (show === "alone") return every.filter(right).length === 1 && chosen.some(right);
  return of === "" ? every.some(right) && !every.every(whole) : every.some((cell) => cell !== row[of]) && every.includes(row[of]);
}

function haystack(place) {
  const [asked, target, results] = problems[place];
  return [core.ids[place], asked, target, ...results.map((one) => `${one[1] ?? ""} ${rules[one[2]]}`)].join("\n").toLowerCase();
}

function filter() {
  const form = new FormData($("filters")), wanted = form.get("text").trim().toLowerCase(), of = form.get("of");
  shown = core.ids.map((_, place) => place).filter((place) =>
    matches(cells[place], form.get("show"), of === "" ? "" : Number(of)) && (!wanted || haystack(place).includes(wanted)));
  page = 0;
  draw();
}

function draw() {
  const body = $("matrix").tBodies[0], from = page * PER_PAGE, here = shown.slice(from, from + PER_PAGE);
  body.replaceChildren(...here.map((place) => {
    const id = core.ids[place], name = el("button", "", el("span", front ? "front" : "", id.slice(0, front)), el("span", "", id.slice(front)));
    name.title = id;
    name.setAttribute("aria-label", `open ${id}`);
    const head = el("th", "", name);
    head.scope = "row";
    const [, target, results] = problems[place];
    const row = el("tr", "", head, el("td", "", target.slice(0, 60)));
    cells[place].forEach((states, strategy) => {
      const answers = results.filter((result) => result[0] === strategy);
      const cell = el("td", "", mark(states));
      if (answers.length === 1 && answers[0][1] !== null) put(cell, " " + answers[0][1].slice(0, 60));
      row.append(cell);
    });
    row.onclick = () => show(place, name);
    return row;
  }));
  const pages = Math.max(1, Math.ceil(shown.length / PER_PAGE));
  $("count").textContent = shown.length === core.ids.length ? `${shown.length} problems` : `${shown.length} of ${core.ids.length} problems`;
  $("page").textContent = `page ${page + 1} of ${pages}`;
  $("back").disabled = page === 0;
  $("on").disabled = page >= pages - 1;
  $("pager").hidden = pages === 1;
}

// ---- one problem with its traces

const dialog = $("problem");
let opener = null;

async function show(place, from) {
  if (from) opener = from;
  open = place;
  const [asked, target, results, images] = problems[place];
  $("name").replaceChildren();
  put($("name"), core.ids[place]);
  $("asked").replaceChildren(...pictures(images), block(asked), el("p", "facts", el("b", "", "target "), target));
  const columns = core.specs.map((spec, number) => column(place, spec, number, results));
  $("side").replaceChildren(...columns.map(([article]) => article));
  choose();
  const at = shown.indexOf(place);
  $("before").disabled = at <= 0;
  $("after").disabled = at < 0 || at >= shown.length - 1;
  $("where").textContent = at < 0 ? "" : `${at + 1} of ${shown.length}`;
  if (!dialog.open) dialog.showModal();
  $("inside").scrollTop = 0;
  $("name").focus();
  try { history.replaceState(null, "", "#problem=" + encodeURIComponent(core.ids[place])); } catch { /* some browsers forbid this for local files */ }
  for (const [strategy, epoch, stage] of await traces(place)) {
    if (open !== place) return;
    const slot = columns[strategy][1][epoch];
    if (slot) slot.replaceChildren(el("h4", "", "Step by step"), steps(stage, new Set()));
  }
}

function column(place, spec, number, results) {
  const article = el("article", "", el("h3", "", `${number + 1}  ${core.names[number]}`)), slots = [];
  article.firstChild.title = spec;
  const mine = results.filter((one) => one[0] === number), states = cells[place][number];
  article.dataset.strategy = number;
  if (!mine.length) article.append(el("p", "facts", "not run on this problem"));
  addAnswers(article, mine, states, rules, core.groups.length ? "no trace was recorded" : "", slots);
  return [article, slots];
}

function choose() {
  const on = new Set([...$("chosen").querySelectorAll("input:checked")].map((one) => one.value));
  for (const article of $("side").children) article.hidden = !on.has(article.dataset.strategy);
}

const step = (by) => { const at = shown.indexOf(open) + by; if (shown[at] !== undefined) show(shown[at]); };
$("before").onclick = () => step(-1);
$("after").onclick = () => step(1);
$("close").onclick = () => dialog.close();
$("chosen").onchange = choose;
dialog.addEventListener("close", () => {
  open = -1;
  try { history.replaceState(null, "", location.href.split("#")[0] + "#problems"); } catch { /* as above */ }
  if (opener && opener.isConnected) opener.focus();
});
dialog.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("pre, input, .side")) return;
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});

// ---- prompts in full

if ($("prompt-list") && !Object.keys(core.prompts).length) $("prompt-list").append(el("p", "dim", "No trace was recorded."));
for (const [strategy, place] of Object.entries(core.prompts)) {
  const part = el("details", "", el("summary", "", `${Number(strategy) + 1}  ${core.specs[strategy]}`));
  $("prompt-list").append(part);
  part.addEventListener("toggle", () => fill(part, strategy, place));
}

const filled = new Set();
async function fill(part, strategy, place) {
  if (filled.has(part)) return;
  filled.add(part);
  const [, , stage] = (await traces(place)).find((one) => one[0] === Number(strategy));
  const seen = new Set(), list = el("ol", "steps");
  for (const { turns, settings } of calls(stage)) {
    if (seen.has(JSON.stringify(turns))) continue; // another draw of the same prompt
    list.append(el("li", "", el("div", "dim", settings), ...prompt(turns, seen)));
  }
  part.append(list);
}

// Printing does not wait for what is unpacked, so the prompts are filled while nothing else is to be done.
function fillPrompts() {
  Object.entries(core.prompts).forEach(([strategy, place], number) => fill($("prompt-list").children[number], strategy, place));
}

// On paper every part is open.
const folded = [];
addEventListener("beforeprint", () => {
  folded.push(...document.querySelectorAll("main details:not([open])"));
  folded.forEach((one) => { one.open = true; });
});
addEventListener("afterprint", () => folded.splice(0).forEach((one) => { one.open = false; }));

function calls([, , events]) {
  return events.flatMap((event) => typeof event === "string" ? [] : Array.isArray(event) ? calls(event) : event.turns ? [event] : []);
}

// ---- start

if (matchMedia("(max-width: 46rem)").matches) $("choice").open = false;

core.specs.forEach((spec, number) => {
  const box = el("input");
  Object.assign(box, { type: "checkbox", checked: true, value: String(number) });
  const label = el("label", "", box, `${number + 1} ${core.names[number]}`);
  label.title = spec;
  $("chosen").append(label);
});

async function begin() {
  if (!core.ids.length) return;
  if (!("DecompressionStream" in window)) {
    $("count").textContent = "This browser cannot unpack the problems; one from 2023 or later can.";
    return;
  }
  ({ rules, problems } = await unpack("details"));
  let wait = 0;
  $("filters").oninput = () => { clearTimeout(wait); wait = setTimeout(filter, 120); };
  $("filters").onsubmit = (event) => { event.preventDefault(); filter(); };
  $("back").onclick = () => { page -= 1; draw(); };
  $("on").onclick = () => { page += 1; draw(); };
  filter();
  const named = /^#problem=(.*)$/.exec(location.hash);
  const place = named ? core.ids.indexOf(decodeURIComponent(named[1])) : -1;
  if (place >= 0) show(place);
  document.documentElement.dataset.ready = "yes";
  (window.requestIdleCallback || setTimeout)(fillPrompts);
}
begin();
