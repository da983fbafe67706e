// One run: its results, problems, charts and settings.
import { el, makeSortable, mark } from "/parts.js";
import { $, address, crumbs, field, get, interval, link, nameOf, progress, searchBox, select, table, trouble, warnings } from "/view_parts.js";
import { VirtualTable } from "/virtual_table.js";

const TABS = { results: "Results", problems: "Problems", charts: "Charts", settings: "Settings" };

export async function runPage(params) {
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
    head.replaceChildren(el("h2", "", data.title), progress(data), ...warnings([data.error, ...data.warnings].filter(Boolean)));
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
        addIntervals(made.querySelector("table"), one.header.indexOf("95 %") + 1, data.rows);
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

function addIntervals(made, at, rows) {
  made.tHead.rows[0].cells[at - 1].after(Object.assign(el("th", "text", "0 to 100\u00a0%"), { scope: "col" }));
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
