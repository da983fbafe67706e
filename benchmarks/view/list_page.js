// The pages about several runs: the list, two runs compared, and several in one table.
import { block, el } from "/parts.js";
import { $, address, ago, crumbs, field, get, link, nameOf, percent, progress, searchBox, table } from "/view_parts.js";

const SECTIONS = { run: "Runs", evaluation: "Evaluations of chains", output: "Outputs of chains" };

export async function listPage(params) {
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

export async function comparePage(params) {
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

export async function matrixPage(params) {
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
