// A table of many rows that draws only those in view, and loads them in groups.
import { el } from "/parts.js";

const GROUP = 100, KEPT = 40, AROUND = 8;
const places = new Map(); // where each table was scrolled to when it was left

export class VirtualTable {
  // load(first, count) gives [rows, the number of all rows]; draw(row) gives its cells; open(row element) is called
  // for a click on it; failed(error) for an error of load.
  // `key` names the table, which opens again where it was left.
  constructor({ label, key, load, draw, open, failed }) {
    Object.assign(this, { key, load, draw, open, failed, total: 0, begun: false, groups: new Map(), turn: 0, height: 34, frame: 0 });
    this.above = el("tr", "space");
    this.below = el("tr", "space");
    this.head = el("tr");
    this.body = el("tbody", "", this.above, this.below);
    this.table = el("table", "virtual", el("colgroup"), el("thead", "", this.head), this.body);
    this.element = el("div", "scroll virtual-scroll", this.table);
    Object.assign(this.element, { tabIndex: 0, role: "region", ariaLabel: label });
    this.element.addEventListener("scroll", () => this.later(), { passive: true });
    new ResizeObserver(() => this.later()).observe(this.element);
  }

  columns(titles, widths, hints = []) {
    this.head.replaceChildren(...titles.map((title, at) => Object.assign(el("th", "", title), { scope: "col", title: hints[at] || title })));
    this.table.firstChild.replaceChildren(...widths.map((width) => { const col = el("col"); col.style.width = `${width}rem`; return col; }));
    this.table.style.minWidth = `${widths.reduce((sum, width) => sum + width, 0)}rem`;
    for (const space of [this.above, this.below]) space.replaceChildren(Object.assign(el("td"), { colSpan: titles.length }));
  }

  // Load the rows in view again; from the top if the selection has changed.
  async reload(top) {
    this.turn += 1;
    if (top) this.element.scrollTop = 0;
    const left = this.begun || top ? this.element.scrollTop : places.get(this.key) || 0;
    const old = this.groups;
    this.groups = new Map();
    const first = Math.floor(left / this.height / GROUP);
    await this.fetch(first);
    if (!this.groups.size) this.groups = old; // an error: the rows that were shown stay
    this.paint();
    if (!this.begun) this.element.scrollTop = left;
    this.begun = true;
  }

  later() {
    this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.paint(); });
  }

  async fetch(group) {
    if (this.groups.has(group)) return;
    const mine = this.turn, groups = this.groups;
    groups.set(group, null);
    try {
      const [rows, total] = await this.load(group * GROUP, GROUP);
      if (mine !== this.turn) return;
      groups.set(group, rows);
      this.total = total;
      if (groups.size > KEPT) groups.delete(groups.keys().next().value);
      this.later();
    } catch (error) {
      groups.delete(group);
      this.failed(error);
    }
  }

  paint() {
    if (!this.above.firstChild || !this.element.isConnected) return; // no columns yet, or another page is open
    const view = this.element.clientHeight, top = this.element.scrollTop;
    const first = Math.max(0, Math.floor(top / this.height) - AROUND);
    const last = Math.min(this.total, Math.ceil((top + view) / this.height) + AROUND);
    const rows = [];
    for (let at = first; at < last; at += 1) {
      const group = Math.floor(at / GROUP), row = this.groups.get(group)?.[at % GROUP];
      if (!this.groups.has(group)) this.fetch(group);
      const made = el("tr", row ? "" : "waiting", ...(row ? this.draw(row) : [el("td", "dim", "…")]));
      made.ariaRowIndex = String(at + 2);
      if (row) made.onclick = (event) => { if (!event.target.closest("a, button")) this.open(made); };
      rows.push(made);
    }
    if (this.begun) places.set(this.key, top);
    const focused = this.body.contains(document.activeElement) ? document.activeElement.textContent : null;
    this.table.ariaRowCount = String(this.total + 1);
    this.above.firstChild.style.height = `${first * this.height}px`;
    this.below.firstChild.style.height = `${Math.max(0, this.total - last) * this.height}px`;
    this.body.replaceChildren(this.above, ...rows, this.below);
    if (focused !== null) [...this.body.querySelectorAll("a, button")].find((one) => one.textContent === focused)?.focus({ preventScroll: true });
  }
}
