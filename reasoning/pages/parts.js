// Parts of pages in the browser: text, answers and traces. All data is inserted as text, never as markup.
"use strict";

const LONG = 20000;
const WORDS = { r: ["✓", "right"], w: ["✗", "wrong"], u: ["?", "unparsed"], f: ["!", "failed"] };
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

// Return an element with a class that contains texts and elements.
function el(tag, kind, ...inside) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  for (const one of inside) typeof one === "string" ? put(made, one) : made.append(one);
  return made;
}

// Insert text; characters that hide or reverse text are shown by their codes.
function put(into, text) {
  let rest = text;
  for (let at; (at = rest.search(HIDDEN)) >= 0; rest = rest.slice(at + 1)) {
    into.append(rest.slice(0, at), el("span", "ctl", "U+" + rest.charCodeAt(at).toString(16).toUpperCase().padStart(4, "0")));
  }
  into.append(rest);
}

// Return a block of text; the end of a very long one is shown on demand.
function block(text, kind) {
  const pre = el("pre", kind || "", text.slice(0, LONG));
  pre.dir = "auto";
  if (text.length > 1500) pre.tabIndex = 0; // it may scroll
  if (text.length <= LONG) return pre;
  const more = el("button", "plain", `show the other ${(text.length - LONG).toLocaleString("en")} characters`);
  more.onclick = () => { put(pre, text.slice(LONG)); more.remove(); };
  return el("div", "", pre, more);
}

// ---- tables

function value(cell) {
  const text = cell.textContent.replace("−", "-").replace("< ", "");
  const number = parseFloat(text.replace(/[$,]/g, "")) * (/\dk$/.test(text) ? 1000 : 1);
  return Number.isNaN(number) ? text : number;
}

// Let the titles of a table's columns sort its rows.
function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = el("button");
    button.append(...head.childNodes);
    head.append(button);
    button.onclick = () => {
      const up = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && head.classList.contains("text"));
      heads.forEach((one) => one.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows].map((row) => [value(row.cells[column]), row]);
      rows.sort(([a], [b]) => {
        if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1; // other values come after numbers
        const order = typeof a === "number" ? a - b : a.localeCompare(b, "en");
        return up ? order : -order;
      });
      table.tBodies[0].append(...rows.map(([, row]) => row));
    };
  });
}

function mark(states) {
  if (!states) return el("span", "none", "·");
  const kind = /^r+$/.test(states) ? "r" : states.includes("r") ? "w" : states[0];
  const many = states.length > 1 ? ` ${[...states].filter((one) => one === "r").length}/${states.length}` : "";
  const sign = el("b", "", WORDS[kind][0] + many);
  sign.setAttribute("aria-hidden", "true");
  return el("span", kind, sign, el("span", "vh", many ? `${many} right` : WORDS[kind][1]));
}

// Return a stage as a list of its steps, without turns that are already shown above.
function steps([, , events], seen) {
  const list = el("ol", "steps");
  for (const event of events) {
    if (typeof event === "string") list.append(el("li", "dim", event));
    else if (Array.isArray(event)) list.append(el("li", "", part(event[0], event[1] === null ? "" : ` · ${event[1].toFixed(1)} s`, steps(event, seen))));
    else list.append(el("li", "", ...(event.turns ? call(event, seen) : [el("div", "role", `${event.tool} · ${event.about}`), block(event.result)])));
  }
  return list;
}

// Return an inner stage, open, with its name, a remark, and the list of its steps.
function part(name, remark, list) {
  return Object.assign(el("details", "", el("summary", "", el("b", "", name), el("span", "dim", remark)), list), { open: true });
}

function call({ turns, settings, replies }, seen) {
  const asked = el("details", "", el("summary", "dim", `prompt${settings ? ` (${settings})` : ""}`), ...prompt(turns, seen));
  return [asked, ...replies.flatMap(reply)];
}

// Return the elements of one reply.
function reply([text, tokens, seconds, remarks, reasoning]) {
  return [
    ...(reasoning ? [el("details", "", el("summary", "role", "reasoning"), block(reasoning, "thought"))] : []),
    block(text, "said"),
    el("div", "dim", [tokens === null ? "" : `${tokens} tokens`, seconds === null ? "" : `${seconds} s`, remarks].filter(Boolean).join(" · ")),
  ];
}

function prompt(turns, seen) {
  const keys = turns.map((_, at) => JSON.stringify(turns.slice(0, at + 1)));
  const known = keys.findLastIndex((key) => seen.has(key)) + 1;
  keys.forEach((key) => seen.add(key));
  const above = known ? [el("div", "role", `${known} ${known === 1 ? "turn" : "turns"} as above`)] : [];
  return [...above, ...turns.slice(known).flatMap(([role, text, images]) => [el("div", "role", role), ...(images || []).map((label) => el("div", "dim", `image: ${label}`)), block(text)])];
}

// Return the images of a problem, each a label and a data URL; one without is shown by its label.
function pictures(images) {
  return (images || []).map(([label, data]) => {
    const figure = el("figure", "picture");
    if (data) {
      const picture = el("img");
      picture.src = data;
      picture.alt = "";
      figure.append(picture);
    }
    figure.append(el("figcaption", "", label));
    return figure;
  });
}

// ---- answers

// Return the candidates of a vote as bars, each with a text and a share from 0 to 1.
function bars(candidates) {
  return candidates.map(([text, share]) => {
    const length = el("i");
    length.style.width = `${100 * share}%`;
    return el("div", "vote", length, el("span", "", text));
  });
}

// Return what an answer cost as text, without unknown numbers.
function cost(calls, into, out, seconds, usd) {
  const known = (number) => typeof number === "number";
  const facts = [
    known(calls) ? `${calls} ${calls === 1 ? "call" : "calls"}` : "", known(into) && known(out) ? `${into} + ${out} tokens` : "",
    known(seconds) ? `${seconds} s` : "",
  ].filter(Boolean).join(" · ");
  const money = !known(usd) ? "" : usd > 0 && usd < 0.00005 ? " · < $0.0001" : ` · $${usd.toFixed(4)}`;
  return `${facts || "usage not recorded"}${money}`;
}

// Add the answers of one strategy to a problem, and a place for each one's trace to `slots`.
function addAnswers(article, mine, states, rules, empty, slots) {
  mine.forEach((one, epoch) => {
    const [, answerText, rule, sure, votes, calls, into, out, seconds, usd] = one, kind = states[epoch];
    if (mine.length > 1) article.append(el("h4", "", `repetition ${epoch + 1}`));
    const answer = el("p", kind, el("b", "", `${WORDS[kind][0]} ${WORDS[kind][1]}`));
    article.append(answer);
    if (answerText !== null) article.append(block(answerText));
    const read = rules[rule];
    if (read) article.append(el("p", "facts", kind === "f" || kind === "u" ? "reason: " : "parsed by: ", el("b", "", read)));
    if (typeof sure === "number") article.append(el("p", "facts", `confidence ${Math.round(100 * sure)} %`));
    const total = (votes || []).reduce((sum, [, count]) => sum + count, 0);
    article.append(...bars((votes || []).map(([candidate, count]) => [`${candidate} × ${count}`, count / total])));
    article.append(el("p", "facts", cost(calls, into, out, seconds, usd)));
    slots.push(el("div", "", empty ? el("p", "dim", empty) : ""));
    article.append(slots.at(-1));
  });
}
