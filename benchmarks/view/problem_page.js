// One problem, of one run or several, with all answers side by side.
import { addAnswers, block, el, pictures, steps } from "/parts.js";
import { $, address, crumbs, get, keys, link, nameOf } from "/view_parts.js";

export async function problemPage(params) {
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
    body.replaceChildren(place, el("div", "asked", ...pictures(data.images), block(data.question), el("p", "facts", el("b", "", "target "), data.target)), ...others(), chips, side);
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

  keys.pressed = (event) => {
    if (event.key === "ArrowLeft") go(data?.before);
    if (event.key === "ArrowRight") go(data?.after);
    if (event.key === "Escape") location.hash = address("run", { name: runs[0], tab: "problems", ...filter });
  };
  return async () => {
    const [found, now] = await get("problem", new URLSearchParams(address("", { ...filter, run: runs, id }).split("?")[1]), tag);
    if (found) { data = found; tag = now; draw(); }
  };
}
