// A trace that grows with the events of a solve, in the drawing of finished traces.
import { block, el, part, reply } from "./parts.js";

const RUNNING = " · running";
const seconds = (value) => (typeof value === "number" ? value.toFixed(1) : "?");
const stage = (list, remark) => ({ list, remark, waiting: [], inner: new Map() });

export class LiveTrace {
  constructor() {
    this.list = el("ol", "steps");
    this.root = stage(this.list, null);
    this.spent = { calls: 0, prompt_tokens: 0, completion_tokens: 0, usd: null };
    this.calls = 0; // those that have ended
  }

  add(event) {
    const path = event.path || [];
    ({ stage_began: this.begin, stage_ended: this.end, call_began: this.call, call_ended: this.replied, tool_used: this.say, note: this.say })[event.type]?.call(this, event, path);
  }

  // Return the stage of a path. A branch may have events before it begins.
  at(path) {
    return path.reduce((outer, name) => outer.inner.get(name) || this.grow(outer, name, ""), this.root);
  }

  grow(outer, name, remark) {
    const list = el("ol", "steps"), made = part(name, remark, list), grown = stage(list, made.querySelector("summary .dim"));
    outer.list.append(el("li", "", made));
    outer.inner.set(name, grown);
    return grown;
  }

  begin(event, path) {
    if (!path.length) return; // the solve itself
    const outer = this.at(path.slice(0, -1)), known = outer.inner.get(path.at(-1));
    if (known?.remark.textContent === "") known.remark.textContent = RUNNING;
    else this.grow(outer, path.at(-1), RUNNING);
  }

  end(event, path) {
    const ended = this.at(path);
    if (ended.remark) ended.remark.textContent = ` · ${seconds(event.seconds)} s`;
    if (ended.remark && event.error) ended.list.append(el("li", "warn", event.error));
  }

  call({ draws }, path) {
    const outer = this.at(path), item = el("li", "dim running", draws > 1 ? `waiting for ${draws} replies` : "waiting for a reply");
    outer.waiting.push([draws, item]);
    outer.list.append(item);
  }

  replied(event, path) {
    const outer = this.at(path), place = Math.max(0, outer.waiting.findIndex(([draws]) => draws === event.draws));
    const [[, item]] = outer.waiting.length ? outer.waiting.splice(place, 1) : [[0, outer.list.appendChild(el("li"))]];
    const usage = event.usage || {}, spent = event.spent || {};
    this.count(usage.calls || 0, spent);
    const marks = [event.draws > 1 ? `${event.draws} replies` : "", usage.calls && !spent.calls ? "recorded" : ""];
    item.className = "";
    item.replaceChildren(...(event.text || !event.error ? reply([event.text || "", usage.completion_tokens || 0, seconds(event.seconds), marks.filter(Boolean).join(" · ")]) : []));
    if (event.error) item.append(el("div", "warn", event.error));
  }

  say(event, path) {
    if (event.type === "tool_used") this.count(event.usage?.calls || 0, event.spent || {});
    this.at(path).list.append(el("li", "", event.type === "note" ? el("span", "dim", event.text || "") : block(event.text || "")));
  }

  count(calls, spent) {
    this.calls += calls;
    for (const name of ["calls", "prompt_tokens", "completion_tokens"]) this.spent[name] += spent[name] || 0;
    if (typeof spent.usd === "number") this.spent.usd = (this.spent.usd || 0) + spent.usd;
  }

  // Mark what was still waited for with a word, such as "stopped".
  stop(word) {
    this.list.querySelectorAll(".running").forEach((item) => { item.className = "dim"; item.textContent = word; });
    this.list.querySelectorAll("summary .dim").forEach((one) => { if (one.textContent === RUNNING) one.textContent = ` · ${word}`; });
  }
}
