// Recorded evaluations of chains, and outputs of chains.
import { block, el, mark } from "/parts.js";
import { $, address, crumbs, field, get, searchBox, select, table, Trouble, trouble, warnings } from "/view_parts.js";
import { VirtualTable } from "/virtual_table.js";

export async function evaluationPage(params) {
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

export async function outputPage(params) {
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
    facts.textContent = page.title === name ? page.state : `${page.title} · ${page.state}`;
    const chosen = known === null ? params.get("state") || "" : state.value;
    state.replaceChildren(...select([["", "all rows"], ...Object.entries(page.counts).map(([one, n]) => [one, `${one} (${n.toLocaleString("en")})`])], "").children);
    state.value = chosen;
    if (known !== page.version) { const begun = known === null; known = page.version; await list.reload(begun); }
    if (whole !== "" && !detail.firstChild) await show(whole);
  };
}
