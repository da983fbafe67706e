// A trace that grows with the events of a solve, in the drawing of finished traces.
import { block, el, part, reply } from "./parts.js";

const seconds = (value) => (typeof value === "number" ? value.toFixed(1) : "?");

export class LiveTrace {
  constructor() {
    this.list = el("ol", "steps");
    this.spent = { calls: 0, prompt_tokens: 0, completion_tokens: 0, usd: null };
    this.calls = 0; // those that have ended
    this.stages = new Map(); // by path, the one that began last
  }

  add(event) {
    const path = event.path || [];
    ({ stage_began: this.begin, stage_ended: this.end, call_began: this.call, call_ended: this.replied, tool_used: this.say, note: this.say })[event.type]?.call(this, event, path);
  }

  // Return the innermost stage of a path that has begun.
  at(path) {
    for (let length = path.length; length > 0; length -= 1) {
      const found = this.stages.get(JSON.stringify(path.slice(0, length)));
      if (found) return found;
    }
    this.root ||= { list: this.list, waiting: [] };
    return this.root;
  }

  begin({ stage }, path) {
    if (!path.length) return; // the solve itself
    const list = el("ol", "steps"), made = part(stage, " · running", list);
    this.at(path.slice(0, -1)).list.append(el("li", "", made));
    this.stages.set(JSON.stringify(path), { list, waiting: [], remark: made.querySelector("summary .dim") });
  }

  end(event, path) {
    const found = path.length && this.at(path);
    if (!found?.remark) return;
    found.remark.textContent = ` · ${seconds(event.seconds)} s`;
    if (event.error) found.list.append(el("li", "warn", event.error));
  }

  call({ draws }, path) {
    const stage = this.at(path), item = el("li", "dim running", draws > 1 ? `waiting for ${draws} replies` : "waiting for a reply");
    stage.waiting.push([draws, item]);
    stage.list.append(item);
  }

  replied(event, path) {
    const stage = this.at(path), place = Math.max(0, stage.waiting.findIndex(([draws]) => draws === event.draws));
    const [[, item]] = stage.waiting.length ? stage.waiting.splice(place, 1) : [[0, stage.list.appendChild(el("li"))]];
    const usage = event.usage || {}, spent = event.spent || {};
    this.count(usage.calls || 0, spent);
    const marks = [event.draws > 1 ? `${event.draws} replies` : "", usage.calls && !spent.calls ? "recorded" : ""];
    item.className = "";
    item.replaceChildren(...(event.text || !event.error ? reply([event.text || "", usage.completion_tokens || 0, seconds(event.seconds), marks.filter(Boolean).join(" · ")]) : []));
    if (event.error) item.append(el("div", "warn", event.error));
  }

  say(event, path) {
    if (event.type === "tool_used") this.count(0, event.spent || {});
    this.at(path).list.append(el("li", "", event.type === "note" ? el("span", "dim", event.text || "") : block(event.text || "")));
  }

  count(calls, spent) {
    this.calls += calls;
    for (const name of ["calls", "prompt_tokens", "completion_tokens"]) this.spent[name] += spent[name] || 0;
    if (typeof spent.usd === "number") this.spent.usd = (this.spent.usd || 0) + spent.usd;
  }

  // Mark what was still waited for as stopped.
  stop(remark) {
    this.list.querySelectorAll(".running").forEach((item) => { item.className = "dim"; item.textContent = remark; });
    this.list.querySelectorAll("summary .dim").forEach((one) => { if (one.textContent === " · running") one.textContent = ` · ${remark}`; });
  }
}
