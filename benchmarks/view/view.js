// The viewer in the browser: one page whose address names what it shows. All data is inserted as text, never as markup.
import { addAnswers, block, el, makeSortable, mark, put, steps } from "/parts.js";
import { VirtualTable } from "/virtual_table.js";

const POLL = 1500, SECTIONS = { run: "Runs", evaluation: "Evaluations of chains", output: "Outputs of chains" };
const TABS = { results: "Results", problems: "Problems", charts: "Charts", settings: "Settings" };
const $ = (id) => document.getElementById(id);
const nameOf = (name) => (name === "." ? $("root").textContent.split(/[\\/]/).at(-1) : name); // "." is the folder itself
const percent = (part) => `${Math.round(100 * part)} %`;

// ---- addresses and data

const address = (page, values = {}) => {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of [value].flat()) if (one !== "" && one !== undefined && one !== null) params.append(name, one);
  }
  return `#/${page}${params.size ? `?${params}` : ""}`;
};
const link = (text, page, values) => { const made = el("a", "", text); made.href = address(page, values); return made; };
const place = () => {
  const [page, query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return [page || "list", new URLSearchParams(query)];
};

class Trouble extends Error {}

async function get(name, params, last = "") {
  let reply;
  try {
    reply = await fetch(`/api/${name}?${params}`, { cache: "no-store", headers: last ? { "If-None-Match": last } : {} });
  } catch {
    throw new Trouble("The viewer has ended. Start `reasoning view` again, and open the address that it prints.");
  }
  if (reply.status === 304) return [null, last];
  if (reply.status === 403) throw new Trouble((await reply.text()).trim());
  const data = await reply.json();
  if (data.trouble) throw new Trouble(data.trouble);
  return [data, reply.headers.get("ETag")];
}

// ---- parts of pages

function table({ title, name, header, rows, note, legend, text_columns, emphasized }, sortable = true) {
  const made = el("table", sortable ? "sortable" : ""), marked = new Set(emphasized);
  const cell = (tag, text, column) => el(tag, column < text_columns ? `text${header[column] === "#" ? " short" : ""}` : "", text);
  const head = el("tr", "", ...header.map((text, column) => Object.assign(cell("th", text, column), { scope: "col" })));
  made.append(el("thead", "", head), el("tbody", "", ...rows.map((row, at) => el("tr", marked.has(at) ? "emphasized" : "", ...row.map((text, column) => cell("td", text, column))))));
  if (sortable && rows.length > 1) makeSortable(made);
  const region = el("div", "scroll", made);
  Object.assign(region, { tabIndex: 0, role: "region", ariaLabel: title || name || "table" });
  const notes = [note, ...(legend || [])].filter(Boolean).map((line) => el("p", "note", line));
  return el("section", "part", ...(title ? [el("h3", "", title)] : []), region, ...notes);
}

function bar(done, total, state) {
  const made = el("span", `bar-of ${state}`), inner = el("i");
  inner.style.width = `${total ? 100 * done / total : 0}%`;
  made.append(inner);
  return made;
}

function progress({ done, total, state, seconds_left, failed }) {
  if (state === "reading") return el("span", "dim", "reading …");
  const left = !seconds_left || state !== "running" ? "" : ` · about ${duration(seconds_left)} left`;
  const lost = failed ? ` · ${failed.toLocaleString("en")} failed` : "";
  const count = total === null ? `${done.toLocaleString("en")} results` : `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
  return el("span", "progress", ...(total === null ? [] : [bar(done, total, state)]), el("span", "dim", `${count} · ${state}${left}${lost}`));
}

const duration = (seconds) => (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`);
function ago(when) {
  if (!when) return "";
  const seconds = Date.now() / 1000 - when;
  if (seconds < 86400) return seconds < 5 ? "now" : `${duration(seconds)} ago`;
  return new Date(1000 * when).toLocaleDateString("en-CA");
}

// An accuracy with its interval, from 0 to 100 %.
function interval({ accuracy, ci95, best }) {
  const made = el("span", `interval${best ? " best" : ""}`);
  if (accuracy === null) return made;
  const range = el("i"), point = el("b");
  range.style.left = `${100 * ci95[0]}%`;
  range.style.width = `${100 * (ci95[1] - ci95[0])}%`;
  point.style.left = `${100 * accuracy}%`;
  made.append(range, point);
  made.title = `${percent(accuracy)}, 95 %: ${percent(ci95[0])} to ${percent(ci95[1])}`;
  return made;
}

const warnings = (lines) => (lines.length ? [el("div", "remarks", el("ul", "", ...lines.map((line) => el("li", "", line))))] : []);

function crumbs(...parts) {
  $("crumbs").replaceChildren(...[link("All runs", "", {}), ...parts].map((part) => el("li", "", part)));
}

function field(title, input, kind = "") {
  input.id ||= `f-${title.replace(/\W+/g, "-")}`;
  const label = el("label", "", title);
  label.htmlFor = input.id;
  return el("div", kind, label, input);
}

function select(options, value) {
  const made = el("select");
  for (const [name, title] of options) made.append(Object.assign(el("option", "", title), { value: name }));
  made.value = value;
  return made;
}

function searchBox(value, hint) {
  return Object.assign(el("input"), { type: "search", value, placeholder: hint, autocomplete: "off" });
}

// ---- the list

async function listPage(params) {
  const checked = new Set(), box = searchBox(params.get("text") || "", "in names, tasks and models");
  const compare = el("button", "plain"), body = el("div"), count = el("output");
  compare.disabled = true;
  compare.onclick = () => {
    const [before, after] = checked;
    location.hash = checked.size === 2 ? address("compare", { before, after }) : address("matrix", { run: [...checked] });
  };
  box.oninput = () => { history.replaceState(null, "", address("", { text: box.value })); draw(); };
  const form = el("form", "filters", field("Search", box, "grow"), el("div", "", compare));
  form.onsubmit = (event) => event.preventDefault();
  $("main").replaceChildren(form, count, body);
  crumbs();
  let data = null, tag = "";

  function row(entry) {
    const name = el("td", "text", link(nameOf(entry.name), entry.kind, { name: entry.name }));
    const when = el("td", "", ago(entry.updated));
    if (entry.error) return el("tr", "broken", ...(entry.kind === "run" ? [el("td")] : []), name, Object.assign(el("td", "text", entry.error), { colSpan: entry.kind === "run" ? 4 : 1 }), when);
    if (entry.kind !== "run") return el("tr", "", name, el("td", "text", ...summary(entry)), when);
    const tick = Object.assign(el("input"), { type: "checkbox", checked: checked.has(entry.name), ariaLabel: `compare ${entry.name}` });
    tick.onchange = () => {
      if (tick.checked) checked.add(entry.name); else checked.delete(entry.name);
      if (checked.size > 8) checked.delete([...checked][0]);
      draw();
    };
    const shares = entry.accuracy.map(([title, right, n]) => [right / n, `${title} ${percent(right / n)}`]).sort(([a], [b]) => b - a);
    const more = shares.length > 3 ? `, ${shares.length - 3} more` : "";
    const cells = [el("td", "text", entry.task), el("td", "text", entry.model), el("td", "text", progress(entry)), el("td", "text dim", shares.slice(0, 3).map(([, text]) => text).join(", ") + more)];
    if (entry.warning) cells[2].append(el("div", "warn", entry.warning));
    return el("tr", "", el("td", "", tick), name, ...cells, when);
  }

  function summary(entry) {
    if (entry.kind === "evaluation") return [`${entry.done} recorded ${entry.done === 1 ? "run" : "runs"}`];
    const counts = Object.entries(entry.counts).map(([state, n]) => `${n.toLocaleString("en")} ${state}`).join(", ");
    return [`${counts || "no rows yet"}${entry.state === "done" ? "" : ` · ${entry.state}`}`, ...(entry.warning ? [el("div", "warn", entry.warning)] : [])];
  }

  function draw() {
    const focused = document.activeElement?.ariaLabel, wanted = box.value.trim().toLowerCase();
    const shown = data.entries.filter((one) => `${one.name} ${one.task || ""} ${one.model || ""}`.toLowerCase().includes(wanted));
    compare.disabled = checked.size < 2;
    compare.textContent = checked.size < 2 ? "Tick two or more runs to compare" : `Compare the ${checked.size} runs`;
    compare.parentElement.hidden = data.entries.filter((one) => one.kind === "run").length < 2;
    count.textContent = shown.length === data.entries.length ? "" : `${shown.length} of ${data.entries.length}`;
    const parts = Object.entries(SECTIONS).flatMap(([kind, title]) => {
      const rows = shown.filter((one) => one.kind === kind);
      if (!rows.length) return [];
      const heads = kind === "run" ? ["", "run", "task", "model", "progress", "right", "changed"] : ["name", "content", "changed"];
      const head = el("tr", "", ...heads.map((text, at) => Object.assign(el("th", at < heads.length - 1 ? "text" : "", text), { scope: "col" })));
      return [el("section", "part", el("h2", "", title), el("div", "scroll", el("table", "list", el("thead", "", head), el("tbody", "", ...rows.map(row)))))];
    });
    if (!data.entries.length) {
      parts.push(el("p", "headline", "There is no run here yet."), el("p", "", "A run appears as soon as it begins: "), block("reasoning bench run --task gsm_symbolic --strategies \"vanilla, cot\" --limit 20"));
    }
    if (data.links.length) parts.push(el("p", "note", `Links that lead out of this folder are not followed: ${data.links.join(", ")}`));
    if (data.truncated) parts.push(el("p", "note", "The folder is too large to be searched whole; view a folder in it."));
    body.replaceChildren(...parts);
    if (focused) body.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  }

  return async () => {
    const [found, now] = await get("list", "", tag);
    if (found) { data = found; tag = now; draw(); }
    return data.entries.some((one) => one.state === "reading");
  };
}

// ---- one run

async function runPage(params) {
  const name = params.get("name"), tab = params.get("tab") || "results", head = el("div"), tabs = el("ul", "tabs"), body = el("div");
  $("main").replaceChildren(head, tabs, body);
  crumbs(el("span", "", nameOf(name)));
  tabs.append(...Object.entries(TABS).map(([key, title]) => {
    const one = link(title, "run", { name, tab: key });
    if (key === tab) one.ariaCurrent = "page";
    return el("li", "", one);
  }));
  const show = { results: resultsTab, problems: problemsTab, charts: chartsTab, settings: settingsTab }[tab] || resultsTab;
  const draw = show(body, params, name);
  let tag = "";
  return async () => {
    const [data, now] = await get("run", new URLSearchParams({ run: name }), tag);
    if (!data) return;
    tag = now;
    head.replaceChildren(el("h2", "", data.title || `${data.task} · ${data.model}`), progress(data), ...warnings([data.warning, data.error, ...data.warnings].filter(Boolean)));
    await draw(data);
    return data.analysed === null || data.state === "reading" || data.reading;
  };
}

function resultsTab(body) {
  const opened = new Set();
  let known = "";
  return (data) => {
    const now = [data.analysed, data.analysed === data.version, data.unfinished].join();
    if (now === known) return;
    known = now;
    if (data.analysed === null) { body.replaceChildren(el("p", "dim", "Computing the tables …")); return; }
    if (!data.tables) { body.replaceChildren(); return; }
    const parts = [el("p", "headline", data.headline), el("div", "lines", ...data.details.map((line) => el("p", "", line)))];
    if (data.unfinished) parts.unshift(el("p", "remarks", data.unfinished));
    if (data.caveats.length) parts.push(el("div", "remarks", el("b", "", data.caveats_title), el("ul", "", ...data.caveats.map((line) => el("li", "", line)))));
    for (const one of data.tables) {
      if (one.name === "strategies") {
        const made = table(one, false);
        addIntervals(made.querySelector("table"), data.rows);
        makeSortable(made.querySelector("table"));
        parts.push(made);
      } else if (one.name === "differences") parts.push(table(one));
      else {
        const inner = table({ ...one, title: "" }), folded = el("details", "", el("summary", "", one.title), inner);
        folded.open = opened.has(one.name);
        folded.ontoggle = () => (folded.open ? opened.add(one.name) : opened.delete(one.name));
        parts.push(folded);
      }
    }
    if (data.analysed !== data.version) parts.push(el("p", "note", "Newer results have come; the tables follow."));
    body.replaceChildren(...parts);
  };
}

function addIntervals(made, rows) {
  const at = [...made.tHead.rows[0].cells].findIndex((cell) => cell.textContent === "95 %") + 1;
  made.tHead.rows[0].cells[at - 1].after(Object.assign(el("th", "text", "0 to 100 %"), { scope: "col" }));
  rows.forEach((row, number) => made.tBodies[0].rows[number]?.cells[at - 1].after(el("td", "text", interval(row))));
}

function problemsTab(body, params, name) {
  const values = () => ({ name, tab: "problems", show: show.value === "all" ? "" : show.value, of: of.value, text: text.value, traces: traces.checked ? "1" : "" });
  const show = select([["all", "all problems"]], "all"), of = select([["", "all strategies"]], ""), text = searchBox(params.get("text") || "", "in the problem, the answers, the parsing rules");
  const traces = Object.assign(el("input"), { type: "checkbox", checked: params.get("traces") === "1" }), count = el("output");
  const tick = el("label", "tick", traces, " also in prompts and replies");
  const form = el("form", "filters", field("Show", show), field("by", of), field("with the text", text, "grow"), el("div", "", tick));
  form.onsubmit = (event) => event.preventDefault();
  count.ariaLive = "polite";
  let data = null, known = null, wait = 0;
  const list = new VirtualTable({
    label: "Problems and strategies",
    key: `problems ${name}`,
    load: async (first, size) => {
      const { name: run, tab, ...query } = values();
      const [page] = await get("problems", new URLSearchParams(new URLSearchParams(address("", { run, ...query, first, count: size }).split("?")[1])));
      count.textContent = page.matched === page.total ? `${page.total.toLocaleString("en")} problems` : `${page.matched.toLocaleString("en")} of ${page.total.toLocaleString("en")} problems`;
      if (page.reading) count.textContent += " · results are being read …";
      return [page.rows, page.matched];
    },
    draw: ([id, target, cells]) => {
      const { tab, ...query } = values(), open = link(id, "problem", { ...query, name: "", run: name, id });
      return [el("th", "", open), el("td", "", target), ...cells.map(([states, value]) => el("td", "", mark(states), value === null ? "" : ` ${value}`))];
    },
    open: (row) => row.querySelector("a").click(),
    failed: trouble,
  });
  const note = el("p", "note", "✓ right · ✗ wrong · ? unparsed · ! a call failed · · not run");
  body.replaceChildren(form, count, list.element, note);
  const changed = () => {
    history.replaceState(null, "", address("run", values()));
    clearTimeout(wait);
    wait = setTimeout(() => list.reload(true), 150);
  };
  form.oninput = changed;
  return async (now) => {
    if (!data) {
      show.replaceChildren(...select(Object.entries(now.filters), "all").children);
      show.value = params.get("show") || "all";
    }
    if (!data || data.specs.join("\n") !== now.specs.join("\n")) {
      const chosen = data ? of.value : params.get("of") || "";
      of.replaceChildren(...select([["", "all strategies"], ...now.names.map((title, number) => [String(number), `${number + 1} ${title}`])], "").children);
      of.value = chosen;
      list.columns(["problem", "target", ...now.names.map((title, number) => `${number + 1} ${title}`)], [14, 6, ...now.names.map(() => 9)], ["", "", ...now.specs]);
    }
    data = now;
    if (known !== now.version) { known = now.version; await list.reload(false); }
  };
}

function chartsTab(body, params, name) {
  body.replaceChildren(el("p", "dim", "Drawing …"));
  let known = null;
  return async (data) => {
    if (known === data.version || (known !== null && data.state === "running")) return; // charts of a running run are drawn once
    known = data.version;
    const [{ charts }] = await get("charts", new URLSearchParams({ run: name }));
    const key = el("ul", "key", ...data.names.map((title, number) => el("li", "", el("b", "", `${number + 1}`), ` ${title}`)));
    body.replaceChildren(...charts.map(({ title, svg }) => {
      // The SVG is drawn by the server from numbers; names in it are escaped, and no script in it would run.
      const drawn = new DOMParser().parseFromString(svg, "text/html").body.children;
      return el("figure", "", el("h3", "", title), ...drawn);
    }), charts.length ? key : el("p", "dim", "There is nothing to draw yet."));
    if (data.state === "running") body.prepend(el("p", "note", "Drawn from the results up to now; reload the page to draw newer ones."));
  };
}

function settingsTab(body, params, name) {
  return (data) => {
    const facts = Object.entries(data.facts).flatMap(([fact, value]) => [el("dt", "", fact), el("dd", "", value)]);
    const report = Object.assign(el("a", "", "Save the report of this run as one file"), { href: `/report?${new URLSearchParams({ run: name })}`, download: "report.html" });
    body.replaceChildren(el("dl", "", ...facts), el("h3", "", "Strategies"), el("ol", "", ...data.specs.map((spec) => el("li", "spec", spec))), el("p", "", report, " with every prompt and reply, to be sent to others."));
  };
}

// ---- one problem, of one run or several

async function problemPage(params) {
  const runs = params.getAll("run"), id = params.get("id"), hidden = new Set();
  const filter = Object.fromEntries(["show", "of", "text", "traces"].map((name) => [name, params.get(name) || ""]));
  const go = (to, names = runs) => { if (to) location.hash = address("problem", { ...filter, run: names, id: to }); };
  const body = el("div");
  $("main").replaceChildren(body);
  crumbs(link(nameOf(runs[0]), "run", { name: runs[0] }), link("Problems", "run", { name: runs[0], tab: "problems", ...filter }), el("span", "", id));
  let data = null, tag = "";

  function draw() {
    const place = Object.assign(el("div", "bar"), { id: "place" }), title = el("h2", "", id);
    const back = el("button", "plain", "← Previous"), on = el("button", "plain", "Next →");
    Object.assign(back, { disabled: !data.before, onclick: () => go(data.before) });
    Object.assign(on, { disabled: !data.after, onclick: () => go(data.after) });
    place.append(title, el("span", "dim", data.position ? `${data.position} of ${data.matched}` : ""), back, on);
    const chips = el("fieldset", "chips", el("legend", "", "Side by side")), side = el("div", "side");
    Object.assign(side, { tabIndex: 0, role: "region", ariaLabel: "Answers side by side" });
    for (const spec of new Set(data.runs.flatMap((run) => run.specs))) { // a strategy's answers in several runs stand together
      for (const run of data.runs) {
        const number = run.specs.indexOf(spec);
        if (number < 0) continue;
        const key = `${run.name}\n${spec}`, [article, slots] = column(run, spec, number);
        const box = Object.assign(el("input"), { type: "checkbox", checked: !hidden.has(key) });
        article.hidden = hidden.has(key);
        box.onchange = () => { article.hidden = !box.checked; if (box.checked) hidden.delete(key); else hidden.add(key); };
        const several = data.runs.length > 1 ? ` · ${nameOf(run.name)}` : "";
        chips.append(Object.assign(el("label", "", box, `${number + 1} ${run.names[number]}${several}`), { title: spec }));
        side.append(article);
        for (const [of, epoch, stage] of run.traces) {
          if (of === number && slots[epoch]) slots[epoch].replaceChildren(el("h4", "", "Step by step"), steps(stage, new Set()));
        }
      }
    }
    body.replaceChildren(place, el("div", "asked", block(data.question), el("p", "facts", el("b", "", "target "), data.target)), ...others(), chips, side);
  }

  function others() {
    if (!data.others.length) return [];
    const boxes = data.others.map(({ name, model }) => {
      const box = Object.assign(el("input"), { type: "checkbox", checked: runs.includes(name) });
      box.onchange = () => go(id, box.checked ? [...runs, name] : runs.filter((one) => one !== name));
      return el("label", "", box, `${name} · ${model}`);
    });
    return [el("fieldset", "chips", el("legend", "", "The same problem in other runs"), ...boxes)];
  }

  function column(run, spec, number) {
    const article = el("article", "", el("h3", "", `${number + 1}  ${run.names[number]}`)), slots = [];
    article.firstChild.title = spec;
    if (data.runs.length > 1) article.append(el("p", "facts", `${nameOf(run.name)} · ${run.model}`));
    const mine = run.results.filter((one) => one[0] === number);
    if (!mine.length) article.append(el("p", "facts", "not run on this problem"));
    addAnswers(article, mine, run.states[number], data.rules, "no trace was recorded", slots);
    return [article, slots];
  }

  keys = (event) => {
    if (event.key === "ArrowLeft") go(data?.before);
    if (event.key === "ArrowRight") go(data?.after);
    if (event.key === "Escape") location.hash = address("run", { name: runs[0], tab: "problems", ...filter });
  };
  return async () => {
    const [found, now] = await get("problem", new URLSearchParams(address("", { ...filter, run: runs, id }).split("?")[1]), tag);
    if (found) { data = found; tag = now; draw(); }
  };
}

// ---- two runs

async function comparePage(params) {
  const before = params.get("before"), after = params.get("after");
  crumbs(el("span", "", `${before} → ${after}`));
  let tag = "";
  return async () => {
    const [data, now] = await get("compare", new URLSearchParams({ before, after }), tag);
    if (!data) return;
    tag = now;
    const swap = link("the other way round", "compare", { before: after, after: before });
    const matrix = link("both in one table", "matrix", { run: [before, after] });
    const parts = [el("h2", "", `${before} → ${after}`), el("p", "dim", swap, " · ", matrix), ...(data.unfinished ? [el("p", "remarks", data.unfinished)] : []), table(data.table), ...data.notes.map((line) => el("p", "note", line))];
    for (const { name, gained, lost } of data.changes) {
      for (const [title, ids] of [["gained", gained], ["lost", lost]]) {
        if (!ids.length) continue;
        const list = el("ul", "ids", ...ids.slice(0, 500).map((id) => el("li", "", link(id, "problem", { run: [before, after], id }))));
        parts.push(el("details", "", el("summary", "", `${name}: ${ids.length.toLocaleString("en")} ${title}`), list));
      }
    }
    $("main").replaceChildren(...parts);
  };
}

async function matrixPage(params) {
  const runs = params.getAll("run");
  crumbs(el("span", "", `${runs.length} runs`));
  let tag = "";
  return async () => {
    const [data, now] = await get("matrix", new URLSearchParams(runs.map((run) => ["run", run])), tag);
    if (!data) return;
    tag = now;
    const links = el("p", "dim", ...runs.flatMap((run, at) => [at ? " · " : "", link(run, "run", { name: run })]));
    $("main").replaceChildren(el("h2", "", data.title), links, ...(data.unfinished ? [el("p", "remarks", data.unfinished)] : []), table(data.table), ...data.notes.map((line) => el("p", "note", line)));
  };
}

// ---- chains

async function evaluationPage(params) {
  const name = params.get("name"), first = params.get("first"), second = params.get("second");
  crumbs(el("span", "", name));
  let tag = "";
  return async () => {
    const [data, now] = await get("evaluation", new URLSearchParams({ name }), tag);
    if (!data) return;
    tag = now;
    const options = data.runs.map((run, at) => [String(at), `${run.run} · ${run.model} · ${run.when}`]);
    const parts = [el("h2", "", name), ...warnings(data.warnings)];
    if (options.length > 1) {
      const from = select(options, first ?? "1"), to = select(options, second ?? "0");
      for (const one of [from, to]) one.onchange = () => { location.hash = address("evaluation", { name, first: from.value, second: to.value }); };
      parts.push(el("form", "filters", field("Compare", from), field("with", to)));
      try {
        const [compared] = await get("versions", new URLSearchParams({ name, first: from.value, second: to.value }));
        parts.push(el("p", "headline", compared.verdict), table(compared.table), ...compared.notes.map((line) => el("p", "note", line)));
      } catch (error) {
        if (!(error instanceof Trouble)) throw error;
        parts.push(el("p", "remarks", error.message));
      }
    }
    data.runs.forEach((run, at) => {
      const one = el("details", "run", el("summary", "", el("b", "", run.run), ` ${run.model} `, el("span", "dim", run.when)), ...run.tables.map((made) => table(made)), ...run.summary.map((line) => el("p", "", line)), cases(run));
      one.open = at === 0;
      parts.push(one);
    });
    $("main").replaceChildren(...parts);
  };
}

function cases({ parts, cases: all }) {
  const head = el("tr", "", ...["case", ...parts].map((text) => Object.assign(el("th", "text", text), { scope: "col" })));
  const rows = all.map(([name, cells]) => {
    const made = parts.map(() => el("td", "text", "·"));
    for (const [part, state, score, reasons, value] of cells) {
      const why = el("details", "", el("summary", "", mark(state), score === null ? "" : ` ${score.toFixed(2)}`), ...reasons.map((line) => el("p", "facts", line)), block(value));
      made[part].replaceChildren(why);
    }
    return el("tr", "", Object.assign(el("th", "text", name), { scope: "row" }), ...made);
  });
  return el("div", "scroll", el("table", "", el("thead", "", head), el("tbody", "", ...rows)));
}

async function outputPage(params) {
  const name = params.get("name"), state = select([["", "all rows"]], ""), text = searchBox(params.get("text") || "", "anywhere in a row"), count = el("output"), detail = el("div");
  const form = el("form", "filters", field("Show", state), field("with the text", text, "grow")), title = el("h2", "", name), facts = el("p", "dim");
  form.onsubmit = (event) => event.preventDefault();
  crumbs(el("span", "", name));
  let wait = 0, known = null, whole = params.get("row") || "";
  const query = (more) => new URLSearchParams(address("", { name, state: state.value, text: text.value, ...more }).split("?")[1]);
  const keep = () => history.replaceState(null, "", address("output", { name, state: state.value, text: text.value, row: whole }));
  const list = new VirtualTable({
    label: "Rows",
    key: `rows ${name}`,
    load: async (first, size) => {
      const [page] = await get("output", query({ first, count: size }));
      count.textContent = page.matched === page.total ? `${page.total.toLocaleString("en")} rows` : `${page.matched.toLocaleString("en")} of ${page.total.toLocaleString("en")} rows`;
      return [page.rows, page.matched];
    },
    draw: ([number, id, answered, value]) => {
      const open = Object.assign(el("button", "", id), { onclick: (event) => { event.stopPropagation(); show(number); } });
      return [el("th", "", open), el("td", "", answered), el("td", "", value)];
    },
    open: (row) => row.querySelector("button").click(),
    failed: trouble,
  });
  list.columns(["id", "state", "value or reason"], [12, 7, 40]);
  async function show(number) {
    whole = number;
    keep();
    const [page] = await get("output", query({ count: 0, row: number }));
    detail.replaceChildren(el("dl", "", ...Object.entries(page.whole || {}).flatMap(([key, value]) => [el("dt", "", key), el("dd", "", block(value))])));
    detail.scrollIntoView({ block: "nearest" });
  }
  form.oninput = () => { keep(); clearTimeout(wait); wait = setTimeout(() => list.reload(true), 150); };
  $("main").replaceChildren(title, facts, form, count, list.element, detail);
  let tag = "";
  return async () => {
    const [page, now] = await get("output", query({ count: 0 }), tag);
    if (!page) return;
    tag = now;
    facts.textContent = `${page.title} · ${page.state}`;
    const chosen = known === null ? params.get("state") || "" : state.value;
    state.replaceChildren(...select([["", "all rows"], ...Object.entries(page.counts).map(([one, n]) => [one, `${one} (${n.toLocaleString("en")})`])], "").children);
    state.value = chosen;
    if (known !== page.version) { const begun = known === null; known = page.version; await list.reload(begun); }
    if (whole !== "" && !detail.firstChild) await show(whole);
  };
}

// ---- start

const PAGES = { list: listPage, run: runPage, problem: problemPage, compare: comparePage, matrix: matrixPage, evaluation: evaluationPage, output: outputPage };
let refresh = null, turn = 0, busy = false, keys = null;

function trouble(error) {
  if (!(error instanceof Trouble)) throw error;
  $("trouble").replaceChildren(el("span", "", error.message));
  $("trouble").hidden = false;
  document.querySelector("#main > .reading")?.remove();
}

async function update(mine) {
  if (busy || !refresh || mine !== turn) return;
  busy = true;
  try {
    const soon = await refresh();
    if (mine === turn) $("trouble").hidden = true;
    if (soon) setTimeout(() => update(mine), POLL / 5);
  } catch (error) {
    if (mine === turn) trouble(error);
  } finally {
    busy = false;
  }
}

async function open() {
  const [page, params] = place(), mine = ++turn;
  busy = false;
  keys = refresh = null;
  $("trouble").hidden = true;
  $("main").replaceChildren(el("p", "reading dim", "Reading …"));
  document.title = [params.get("id"), params.get("name") || params.get("run"), "reasoning view"].filter(Boolean).join(" · ");
  refresh = await (PAGES[page] || listPage)(params);
  await update(mine);
  window.scrollTo(0, 0);
  document.documentElement.dataset.ready = location.hash || "#/";
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea, pre, .side")) return;
  if (event.key === "/") { event.preventDefault(); document.querySelector("input[type=search]")?.focus(); return; }
  keys?.(event);
});
$("skip").onclick = (event) => { event.preventDefault(); $("main").focus(); };
try { $("theme").value = localStorage.getItem("theme") || "auto"; } catch { /* storage may be forbidden */ }
const paint = () => { document.documentElement.dataset.theme = $("theme").value; };
$("theme").onchange = () => { paint(); try { localStorage.setItem("theme", $("theme").value); } catch { /* as above */ } };
paint();
history.replaceState(null, "", `/${location.hash}`); // the token stays out of the address and of the history
window.addEventListener("hashchange", open);
setInterval(() => { if (!document.hidden) update(turn); }, POLL);
open();
