// One strategy's answer to the question: its trace while it runs, then the answer, its votes and its cost.
import { Trouble, chunks } from "./client.js";
import { LiveTrace } from "./live_trace.js";
import { bars, block, cost, el, steps } from "./parts.js";

const tick = 500;

// Return an article that shows a side, and a function that runs it.
export function side(alias) {
  const status = el("p", "facts running", "asked"), result = el("div"), trace = el("div");
  const title = el("h3", "", alias);
  const article = el("article", "", title, status, result, trace);
  article.ariaLabel = alias;
  article.ariaBusy = "true";

  // Ask and show what arrives; return one sentence about how it ended.
  async function run(body, signal) {
    const live = new LiveTrace(), began = performance.now();
    trace.replaceChildren(el("h4", "", "Step by step"), live.list);
    const show = () => {
      const recorded = live.calls - live.spent.calls;
      status.textContent = `running for ${elapsed(began)} · drawn so far: ${drawn(live.spent)}${recorded ? ` · ${recorded} recorded` : ""}`;
    };
    const timer = setInterval(show, tick);
    let said = "", final = null, usage = null;
    try {
      for await (const chunk of chunks({ ...body, model: alias, trace: "drawn" }, signal)) {
        if (chunk.reasoning?.event) live.add(chunk.reasoning.event);
        else if (chunk.reasoning) final = chunk.reasoning;
        said += chunk.choices?.[0]?.delta?.content || "";
        usage = chunk.usage || usage;
        if (chunk.reasoning) show();
      }
      if (!final) throw new Trouble("The server ended its reply without an answer.");
      return finish(final, usage || {}, said, live);
    } catch (error) {
      const cancelled = error.name === "AbortError", words = cancelled ? `cancelled after ${elapsed(began)}` : `stopped after ${elapsed(began)}`;
      live.stop("stopped");
      status.textContent = `${words} · drawn until then: ${drawn(live.spent)}`;
      if (cancelled) result.replaceChildren(el("p", "facts", "The server was told to stop. Calls that were under way are still paid for; they are recorded, so that asking again does not pay for them twice."));
      else result.replaceChildren(el("p", "remarks", error.message));
      if (error.status === 401 || !(cancelled || error instanceof Trouble)) throw error;
      return `${alias}: ${cancelled ? "cancelled" : error.message}`;
    } finally {
      clearInterval(timer);
      status.classList.remove("running");
      article.ariaBusy = "false";
    }
  }

  function finish(final, usage, said, live) {
    const words = `? no answer (${final.state})`;
    title.title = final.strategy || "";
    const answered = final.state === "answered";
    const value = answered ? shown(said) : el("p", "u", el("b", "", words));
    const facts = [];
    if (final.reason) facts.push(el("p", answered ? "facts" : "remarks", final.reason));
    if (typeof final.confidence === "number") facts.push(el("p", "facts", `confidence ${Math.round(100 * final.confidence)} %`));
    facts.push(...votes(final.votes));
    const all = el("p", "facts", `used in all: ${cost(final.calls, usage.prompt_tokens ?? 0, usage.completion_tokens ?? 0, Math.round(10 * final.seconds) / 10)}`);
    status.textContent = "";
    status.append(...recorded(final));
    result.replaceChildren(value, ...(said && !answered ? [block(said)] : []), ...facts, all);
    if (final.trace) trace.replaceChildren(el("h4", "", "Step by step"), steps(final.trace, new Set()));
    else live.stop("ended");
    return `${alias}: ${answered ? said.slice(0, 200) : words}`;
  }

  return [article, run];
}

// Return the sentence about what was paid now, or that everything was recorded.
function recorded({ spent, calls }) {
  if (!spent) return [];
  if (!spent.calls && calls) return [el("b", "recorded", "recorded answer"), " · 0 tokens paid"];
  return [`drawn now: ${drawn(spent)}${spent.calls < calls ? `; the other ${calls - spent.calls} of ${calls} calls were recorded` : ""}`];
}

function votes(found) {
  if (!found?.candidates?.length) return [];
  const rows = bars(found.candidates.map(({ value, about, share }) => [`${value} × ${about}`, share]));
  found.candidates.forEach((one, at) => { if (!one.wins) rows[at].classList.add("lost"); });
  return [el("h4", "", "Votes"), ...rows, ...(found.notes || []).map((line) => el("p", "facts warn", line))];
}

const shown = (value) => (value.length > 200 ? block(value) : el("p", "answer", value));
const elapsed = (began) => `${((performance.now() - began) / 1000).toFixed(0)} s`;

const drawn = ({ calls, prompt_tokens: into, completion_tokens: out, usd }) => (calls ? cost(calls, into, out, null, usd) : "nothing");
