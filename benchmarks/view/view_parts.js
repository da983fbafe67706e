// Addresses, data and parts of the viewer's pages. All data is inserted as text, never as markup.
import { $, field, select } from "/forms.js";
import { el, makeSortable } from "/parts.js";

export { $, field, select };
export const nameOf = (name) => (name === "." ? $("root").textContent.split(/[\\/]/).at(-1) : name); // "." is the folder itself
export const percent = (part) => `${Math.round(100 * part)} %`;
export const keys = { pressed: null }; // the open page's function of a pressed key

export const address = (page, values = {}) => {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of [value].flat()) if (one !== "" && one !== undefined && one !== null) params.append(name, one);
  }
  return `#/${page}${params.size ? `?${params}` : ""}`;
};
export const link = (text, page, values) => { const made = el("a", "", text); made.href = address(page, values); return made; };
export const place = () => {
  const [page, query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return [page || "list", new URLSearchParams(query)];
};

export class Trouble extends Error {}

export async function get(name, params, last = "") {
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

export function trouble(error) {
  if (!(error instanceof Trouble)) throw error;
  $("trouble").replaceChildren(el("span", "", error.message));
  $("trouble").hidden = false;
  document.querySelector("#main > .reading")?.remove();
}

export function table({ title, name, header, rows, note, legend, text_columns, emphasized }, sortable = true) {
  const made = el("table", sortable ? "sortable" : ""), marked = new Set(emphasized);
  const cell = (tag, text, column) => el(tag, column < text_columns ? `text${header[column] === "#" ? " short" : ""}` : "", text);
  const head = el("tr", "", ...header.map((text, column) => Object.assign(cell("th", text.replace(" %", "\u00a0%"), column), { scope: "col" })));
  made.append(el("thead", "", head), el("tbody", "", ...rows.map((row, at) => el("tr", marked.has(at) ? "emphasized" : "", ...row.map((text, column) => cell("td", text, column))))));
  if (sortable && rows.length > 1) makeSortable(made);
  const region = el("div", "scroll", made);
  Object.assign(region, { tabIndex: 0, role: "region", ariaLabel: title || name || "table" });
  const notes = [note, ...(legend || [])].filter(Boolean).map((line) => el("p", "note", line));
  return el("section", "part", ...(title ? [el("h3", "", title)] : []), region, ...notes);
}

export function bar(done, total, state) {
  const made = el("span", `bar-of ${state}`), inner = el("i");
  inner.style.width = `${total ? 100 * done / total : 0}%`;
  made.append(inner);
  return made;
}

export function progress({ done, total, state, seconds_left, failed }) {
  if (state === "reading") return el("span", "dim", "reading …");
  const left = !seconds_left || state !== "running" ? "" : ` · about ${duration(seconds_left)} left`;
  const lost = failed ? ` · ${failed.toLocaleString("en")} failed` : "";
  const count = total === null ? `${done.toLocaleString("en")} results` : `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
  return el("span", "progress", ...(total === null ? [] : [bar(done, total, state)]), el("span", "dim", `${count} · ${state}${left}${lost}`));
}

export const duration = (seconds) => (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`);
export function ago(when) {
  if (!when) return "";
  const seconds = Date.now() / 1000 - when;
  if (seconds < 86400) return seconds < 5 ? "now" : `${duration(seconds)} ago`;
  return new Date(1000 * when).toLocaleDateString("en-CA");
}

// An accuracy with its interval, from 0 to 100 %.
export function interval({ accuracy, ci95, best }) {
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

export const warnings = (lines) => (lines.length ? [el("div", "remarks", el("ul", "", ...lines.map((line) => el("li", "", line))))] : []);

export function crumbs(...parts) {
  $("crumbs").replaceChildren(...[link("All runs", "", {}), ...parts].map((part) => el("li", "", part)));
}

export function searchBox(value, hint) {
  return Object.assign(el("input"), { type: "search", value, placeholder: hint, autocomplete: "off" });
}
