"""The page in a real browser: quiet, inert against hostile content, and usable by mouse, keyboard and thumb."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reasoning.benchmarks.report import ReportData
from reasoning.benchmarks.report.html_page import write_page
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.kinds import Text
from reasoning.messages import Completion, Message
from reasoning.problem import Example, Problem
from reasoning.trace import Call, Trace
from tests.benchmarks.report.browser import CHROMIUM, Browser
from tests.benchmarks.report.conftest import result
from tests.benchmarks.report.synthetic import LONG_SPECS, made
from tests.benchmarks.report.test_html_page import HOSTILE, hostile

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

READY = "document.documentElement.dataset.ready === 'yes'"
OPEN = "document.querySelector('#matrix tbody button').click()"
ROWS = "document.querySelectorAll('#matrix tbody tr').length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser.running() as one:
        yield one


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 problems by eight strategies, with traces."""
    folder = tmp_path_factory.mktemp("report")
    store = made(folder / "run", 240, 8)
    write_page(ReportData.from_folder(store), folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def long_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 problems by fifteen strategies with long names; some calls failed, and the verdict has many caveats."""
    folder = tmp_path_factory.mktemp("long")
    made(folder / "run", 30, 15, specs=LONG_SPECS)
    file = folder / "run" / "results.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for row in rows[2::35]:
        failed = {"state": "failed", "correct": None, "value": None, "votes": [], "confidence": None, "rule": ""}
        row.update(failed, reason="the server answered HTTP 500: upstream_connect_error_or_disconnect_before_headers")
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    write_page(ReportData.from_folder(ResultsFolder.read(folder / "run")), folder / "report.html")
    return folder / "report.html"


def quiet(browser: Browser) -> None:
    assert browser.said == []
    assert browser.requests == []


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, False), (1440, True), (390, True)])
def test_it_fits_the_screen_and_says_nothing(browser: Browser, report: Path, width: int, dark: bool) -> None:
    browser.open(report, width, 844, dark)
    browser.wait(READY)
    assert browser.ask("document.documentElement.scrollWidth") == width
    assert browser.ask("document.querySelector('main h2').textContent") == "Verdict"
    kind = "wide" if width > 1000 else "narrow"
    shown = "[...document.querySelectorAll('.chart svg')].filter((one) => one.getClientRects().length)"
    assert browser.ask(f"{shown}.every((one) => one.parentElement.matches('.{kind}, .half'))")
    assert browser.ask(f"{shown}.length") == 5  # differences, one cost, draws, reliability, coverage
    background = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is not dark
    browser.ask(OPEN)
    browser.wait("document.querySelectorAll('#side article > div > .steps').length === 8")
    assert browser.ask("document.documentElement.scrollWidth") == width
    assert browser.ask("document.querySelector('#inside').scrollWidth <= document.querySelector('#inside').clientWidth")
    quiet(browser)


def test_the_switch_overrides_what_the_system_prefers(browser: Browser, report: Path) -> None:
    browser.open(report, dark=True)
    browser.ask("theme.value = 'light', theme.dispatchEvent(new Event('change'))")
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    browser.open(report)
    browser.ask("theme.value = 'dark', theme.dispatchEvent(new Event('change'))")
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"


def choose(browser: Browser, show: str = "all", of: str = "", text: str = "") -> str:
    """Set the filters; what the page then says of them."""
    browser.ask(
        f"document.getElementById('show').value = '{show}', document.getElementById('of').value = '{of}',"
        f"document.getElementById('text').value = '{text}', filters.requestSubmit()"
    )
    return str(browser.ask("count.textContent"))


def test_filters_count_what_the_results_say(browser: Browser, report: Path) -> None:
    store = ResultsFolder.read(report.parent / "run")
    found = ReportData.from_folder(store)
    by_problem: dict[str, list[str]] = {}
    for one in found.comparison.results:
        by_problem.setdefault(one.problem, []).append("r" if one.correct else "u" if one.value is None else "w")
    rows = list(by_problem.values())
    browser.open(report)
    browser.wait(READY)
    assert choose(browser) == "240 problems"
    expected: dict[tuple[str, str], Callable[[list[str]], bool]] = {
        ("right", ""): lambda row: all(one == "r" for one in row),
        ("wrong", ""): lambda row: "r" not in row,
        ("disagree", ""): lambda row: "r" in row and set(row) != {"r"},
        ("unparsed", ""): lambda row: "u" in row,
        ("alone", ""): lambda row: row.count("r") == 1,
        ("failed", ""): lambda row: False,
        ("right", "2"): lambda row: row[2] == "r",
        ("wrong", "5"): lambda row: row[5] != "r",
        ("unparsed", "1"): lambda row: row[1] == "u",
        ("alone", "3"): lambda row: row[3] == "r" and row.count("r") == 1,
    }
    for (show, of), holds in expected.items():
        assert choose(browser, show, of) == f"{sum(map(holds, rows))} of 240 problems", (show, of)
    assert choose(browser, text="made-00017") == "1 of 240 problems"
    word = store.examples["made-00003"].problem.question.split(" ")[3].lower()
    texts = {name: example.problem.question for name, example in store.examples.items()}
    for one in found.comparison.results:
        texts[one.problem] += f" {one.value}"
    many = sum(word in text.lower() for text in texts.values())
    assert choose(browser, text=word.upper()).startswith(f"{many} ")
    assert browser.ask("count.getAttribute('aria-live')") == "polite"
    quiet(browser)


def test_pages_of_a_long_list(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.wait(READY)
    assert browser.ask(ROWS) == 100
    browser.ask("on.click(), on.click()")
    assert browser.ask(ROWS) == 40
    assert browser.ask("document.getElementById('page').textContent") == "page 3 of 3"
    assert browser.ask("on.disabled")


def test_a_problem_opens_beside_its_traces_by_keyboard_alone(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.wait(READY)
    browser.press("Tab", 9)
    assert browser.ask("document.activeElement.className") == "skip"
    browser.ask("document.querySelector('#matrix tbody button').focus()")
    browser.press("Enter", 13)
    browser.wait("document.querySelectorAll('#side article > div > .steps').length === 8")
    store = ResultsFolder.read(report.parent / "run")
    asked = store.examples["made-00000"].problem.question
    assert browser.ask("document.querySelector('#asked pre').textContent") == asked
    assert browser.ask("document.querySelectorAll('#side article h3')[2].textContent") == "3  cot(shots=4)"
    trace = store.trace("made-00000", "cot(shots=4)")
    assert trace
    said = next(trace.calls()).completions[0].text
    assert browser.ask("document.querySelectorAll('#side article')[2].querySelector('pre.said').textContent") == said
    assert "parsed by: " in browser.ask("document.querySelector('#side').textContent")
    browser.press("ArrowRight", 39)
    browser.wait("document.getElementById('name').textContent === 'made-00001'")
    browser.wait("document.querySelectorAll('#side article > div > .steps').length === 8")
    browser.press("Escape", 27)
    browser.wait("!document.getElementById('problem').open")
    assert browser.ask("document.activeElement.title") == "made-00000"
    quiet(browser)


def test_strategies_can_be_left_out_side_by_side(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.wait(READY)
    browser.ask(OPEN)
    browser.ask("document.querySelectorAll('#chosen input')[0].click()")
    shown = "[...document.querySelectorAll('#side article')].filter((one) => one.getClientRects().length).length"
    assert browser.ask(shown) == 7


def test_the_table_sorts_by_numbers_and_says_so(browser: Browser, report: Path) -> None:
    browser.open(report)
    column = "document.querySelectorAll('#strategies tbody tr')"
    head = "document.querySelectorAll('#strategies thead th')[2]"
    browser.ask(f"{head}.querySelector('button').click()")
    values = browser.ask(f"[...{column}].map((row) => parseFloat(row.cells[2].textContent))")
    assert values == sorted(values, reverse=True)
    assert browser.ask(f"{head}.getAttribute('aria-sort')") == "descending"
    browser.ask(f"{head}.querySelector('button').click()")
    assert browser.ask(f"[...{column}].map((row) => parseFloat(row.cells[2].textContent))") == sorted(values)


def test_prompts_are_there_in_full(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.wait(READY)
    browser.ask("document.querySelectorAll('#prompt-list summary')[2].click()")
    part = "document.querySelectorAll('#prompt-list > details')[2]"
    browser.wait(f"{part}.querySelectorAll('pre').length > 0")
    trace = ResultsFolder.read(report.parent / "run").trace("made-00000", "cot(shots=4)")
    assert trace
    turns = [turn.content for turn in next(trace.calls()).messages]
    assert browser.ask(f"[...{part}.querySelectorAll('pre')].map((one) => one.textContent)") == turns


def test_an_address_opens_its_problem(browser: Browser, report: Path) -> None:
    browser.open(report, at="#problem=made-00007")
    browser.wait("document.querySelector('dialog[open] #name')?.textContent === 'made-00007'")


def test_hostile_content_is_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    store = hostile(tmp_path / "run")
    write_page(ReportData.from_folder(store), tmp_path / "report.html")
    for width in (1440, 390):
        browser.open(tmp_path / "report.html", width)
        browser.wait(READY)
        browser.ask("window.alert = () => document.body.remove()")
        browser.ask(OPEN)
        browser.wait("document.querySelectorAll('#side article > div > .steps').length === 2")
        browser.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        browser.wait("document.querySelectorAll('#prompt-list pre').length > 0")
        assert browser.ask("document.querySelectorAll('img, main script, dialog script').length") == 0
        shown = browser.ask("document.querySelector('#asked pre').textContent")
        assert shown == HOSTILE.replace("\u2028", "U+2028").replace("\u202e", "U+202E").replace("\0", "U+0000")
        assert browser.ask("document.documentElement.scrollWidth") == width
        quiet(browser)


def test_a_line_of_a_million_characters_is_cut_until_it_is_wanted(browser: Browser, tmp_path: Path) -> None:
    store = ResultsFolder(None, {"task": "t", "model": "m"})
    store.add_examples([Example(Problem("x" * 1_000_000, Text(), id="p" * 3000), "y")])
    store.register_strategies(["cot"])
    call = Call((Message("user", "z" * 1_000_000),), {}, (Completion("w" * 1_000_000),))
    store.add(result("p" * 3000, "cot", "w", value="v" * 1_000_000), Trace("cot", [call], 1.0))
    write_page(ReportData.from_folder(store), tmp_path / "report.html")
    browser.open(tmp_path / "report.html", 390)
    browser.wait(READY)
    browser.ask(OPEN)
    browser.wait("document.querySelectorAll('#side pre.said').length === 1")
    assert browser.ask("document.querySelector('#side pre.said').textContent.length") == 20_000
    assert browser.ask("document.documentElement.scrollWidth") == 390
    browser.ask("document.querySelector('#asked button').click()")
    assert browser.ask("document.querySelector('#asked pre').textContent.length") == 1_000_000
    quiet(browser)


def test_repetitions_are_shown_by_their_share(browser: Browser, tmp_path: Path) -> None:
    store = made(tmp_path / "run", 5, 2, epochs=3)
    write_page(ReportData.from_folder(store), tmp_path / "report.html")
    browser.open(tmp_path / "report.html")
    browser.wait(READY)
    right = sum(
        one.correct is True for one in store.results.values() if one.problem == "made-00000" and one.strategy == "cot"
    )
    cell = browser.ask("document.querySelector('#matrix tbody tr').cells[3].textContent")
    assert f"{right}/3" in cell
    browser.ask(OPEN)
    browser.wait("document.querySelectorAll('#side article > div > .steps').length === 6")
    assert browser.ask("document.querySelectorAll('#side article')[0].textContent").count("repetition") == 3
    quiet(browser)


def test_an_empty_report_opens(browser: Browser, kept: Callable[..., ResultsFolder], tmp_path: Path) -> None:
    store = kept(a="")
    write_page(ReportData.from_folder(store), tmp_path / "report.html")
    browser.open(tmp_path / "report.html")
    assert "There are no results yet" in browser.ask("document.querySelector('.headline').textContent")
    quiet(browser)


_BEYOND = """[...document.querySelectorAll("body *")].filter((one) => {
  const box = one.getBoundingClientRect();
  if (!box.width || box.right <= innerWidth + 1 || one.closest(".vh, .skip")) return false;
  for (let above = one.parentElement; above; above = above.parentElement) {
    if (["auto", "scroll", "hidden"].includes(getComputedStyle(above).overflowX)) return false;
  }
  return true;
}).map((one) => one.outerHTML.slice(0, 120))"""
"""The elements that end beyond the right edge of the screen and are in no box that scrolls."""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 500, 900, 1440, 1920])
def test_nothing_is_wider_than_the_screen(browser: Browser, long_report: Path, width: int, dark: bool) -> None:
    browser.open(long_report, width, dark=dark)
    browser.wait(READY)
    assert browser.ask("document.documentElement.scrollWidth") == width
    assert browser.ask(_BEYOND) == []
    assert browser.ask("document.querySelector('main').getBoundingClientRect().width") == width
    browser.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    browser.wait("document.querySelectorAll('#prompt-list pre').length > 14")
    assert browser.ask("document.documentElement.scrollWidth") == width
    browser.ask(OPEN)
    browser.wait("document.querySelectorAll('#side article > div > .steps').length >= 13")
    assert browser.ask("document.querySelector('#inside').scrollWidth <= document.querySelector('#inside').clientWidth")
    lefts = browser.ask(
        "[...document.querySelectorAll('#side article')].map((one) => one.getBoundingClientRect().left)"
    )
    assert (len(set(lefts)) == 1) is (width < 736)  # cards are below each other on a phone
    quiet(browser)


def test_a_wide_screen_shows_charts_next_to_their_tables(browser: Browser, long_report: Path) -> None:
    tops = "[...document.querySelectorAll('#differences .columns > div')].map((one) => one.getBoundingClientRect().top)"
    for width, next_to in ((1920, True), (1000, False)):
        browser.open(long_report, width)
        chart, table = browser.ask(tops)
        assert (chart == table) is next_to


def test_no_name_is_cut_in_the_heads_of_the_matrix(browser: Browser, long_report: Path) -> None:
    for width in (500, 1440):
        browser.open(long_report, width)
        browser.wait(READY)
        heads = "[...document.querySelectorAll('#matrix thead th')]"
        assert browser.ask(f"{heads}.every((one) => one.scrollWidth <= one.clientWidth)")
        names = browser.ask(f"{heads}.map((one) => one.textContent)")
        assert "12 self_consistency(program_of_thoughts, …)" in names
        assert len(set(names)) == len(names)


_FAINT = """(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const part = (one) => { const c = one / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length && colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement, seen = one.getClientRects().length;
    if (!walker.currentNode.data.trim() || !seen || one.closest("script, :disabled, .vh")) continue;
    const style = getComputedStyle(one), colour = parse(one.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(colour), light(behind(one))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.add(`${one.tagName}: ${one.textContent.slice(0, 30)}`);
  }
  return [...faint];
})()"""
"""The texts whose contrast to their background is below 4.5, which WCAG 2 asks for at level AA."""


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_enough_contrast(browser: Browser, long_report: Path, dark: bool) -> None:
    browser.open(long_report, dark=dark)
    browser.wait(READY)
    assert browser.ask(_FAINT) == []
    browser.ask(OPEN)
    browser.wait("document.querySelectorAll('#side article > div > .steps').length >= 13")
    assert browser.ask(_FAINT) == []


def test_parts_have_names_for_screen_readers(browser: Browser, long_report: Path) -> None:
    browser.open(long_report)
    browser.wait(READY)
    for landmark in ("header", "nav[aria-label]", "main", "footer"):
        assert browser.ask(f"document.querySelectorAll('body > {landmark}').length") == 1
    unnamed = (
        '[...document.querySelectorAll(\'svg:not([role=img][aria-label]), th:not([scope]), [tabindex="0"]:not('
        "[aria-label], [aria-labelledby], pre), section:not([aria-labelledby]), dialog:not([aria-labelledby])')]"
    )
    assert browser.ask(f"{unnamed}.map((one) => one.outerHTML.slice(0, 80))") == []
    assert browser.ask("[...document.querySelectorAll('select, input')].every((one) => one.labels.length === 1)")
    assert browser.ask("[...document.querySelectorAll('button')].every((one) => one.textContent.trim())")


def test_on_paper_it_is_a_document(browser: Browser, long_report: Path) -> None:
    """Light, with every part open and nothing to click, on numbered pages; afterwards the page is as before."""
    browser.open(long_report, dark=True)
    browser.wait(READY)
    browser.wait("document.querySelectorAll('#prompt-list pre').length > 14")
    folded = "document.querySelectorAll('main details:not([open])').length"
    before = browser.ask(folded)
    assert before > 15
    browser.ask("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.ask(folded) == 0
    browser.call("Emulation.setEmulatedMedia", media="print")
    controls = "[...document.querySelectorAll('nav, .filters, .theme, #pager button')]"
    assert not browser.ask(f"{controls}.some((one) => one.getClientRects().length)")
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.ask("[...document.querySelectorAll('[data-measure]')].every((one) => one.getClientRects().length)")
    pages = browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
    assert len(re.findall(rb"/Type ?/Page\b", base64.b64decode(pages))) > 5
    browser.call("Emulation.setEmulatedMedia", media="")
    browser.ask("window.dispatchEvent(new Event('afterprint'))")
    assert browser.ask(folded) == before
    quiet(browser)
