// Fields of forms, and the choice of colours, which the browser remembers.
import { el } from "./parts.js";

export const $ = (id) => document.getElementById(id);

export function field(title, input, kind = "") {
  input.id ||= `f-${title.replace(/\W+/g, "-")}`;
  const label = el("label", "", title);
  label.htmlFor = input.id;
  return el("div", kind, label, input);
}

export function select(options, value) {
  const made = el("select");
  for (const [name, title] of options) made.append(Object.assign(el("option", "", title), { value: name }));
  made.value = value;
  return made;
}

// Let a select choose the colours: auto, light or dark.
export function keepTheme(choice) {
  try { choice.value = localStorage.getItem("theme") || "auto"; } catch { /* storage may be forbidden */ }
  const paint = () => { document.documentElement.dataset.theme = choice.value; };
  choice.onchange = () => { paint(); try { localStorage.setItem("theme", choice.value); } catch { /* as above */ } };
  paint();
}
