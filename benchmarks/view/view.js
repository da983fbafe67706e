// The viewer in the browser: one page whose address names what it shows.
import { evaluationPage, outputPage } from "/chain_page.js";
import { comparePage, listPage, matrixPage } from "/list_page.js";
import { keepTheme } from "/forms.js";
import { el } from "/parts.js";
import { problemPage } from "/problem_page.js";
import { runPage } from "/run_page.js";
import { $, keys, place, trouble } from "/view_parts.js";

const POLL = 1500;
const PAGES = { list: listPage, run: runPage, problem: problemPage, compare: comparePage, matrix: matrixPage, evaluation: evaluationPage, output: outputPage };
let refresh = null, turn = 0, busy = false;

async function update(mine) {
  if (busy || !refresh || mine !== turn) return;
  busy = true;
  try {
    const soon = await refresh();
    if (mine === turn) $("trouble").hidden = true;
    if (soon) setTimeout(() => update(mine), POLL / 5);
  } catch (error) {
    if (mine === turn) trouble(error);
  } finally {
    busy = false;
  }
}

async function open() {
  const [page, params] = place(), mine = ++turn;
  busy = false;
  keys.pressed = refresh = null;
  $("trouble").hidden = true;
  $("main").replaceChildren(el("p", "reading dim", "Reading …"));
  document.title = [params.get("id"), params.get("name") || params.get("run"), "reasoning view"].filter(Boolean).join(" · ");
  refresh = await (PAGES[page] || listPage)(params);
  await update(mine);
  window.scrollTo(0, 0);
  document.documentElement.dataset.ready = location.hash || "#/";
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea, pre, .side")) return;
  if (event.key === "/") { event.preventDefault(); document.querySelector("input[type=search]")?.focus(); return; }
  keys.pressed?.(event);
});
$("skip").onclick = (event) => { event.preventDefault(); $("main").focus(); };
keepTheme($("theme"));
history.replaceState(null, "", `/${location.hash}`); // the token stays out of the address and of the history
window.addEventListener("hashchange", open);
setInterval(() => { if (!document.hidden) update(turn); }, POLL);
open();
