"""The viewer in a real browser: it follows a run, opens problems side by side, stays quiet, and shows text as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reasoning import kinds
from reasoning.benchmarks.experiment import compare
from reasoning.problem import Example, Problem
from reasoning.testing import ScriptedLLM
from tests.benchmarks.report.browser import CHROMIUM, Browser
from tests.benchmarks.report.synthetic import made
from tests.benchmarks.report.test_html_page import HOSTILE, hostile
from tests.benchmarks.view.conftest import Run, Viewer
from tests.image_files import png

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

View = Callable[[Path], Viewer]
ROWS = "document.querySelectorAll('.virtual tbody tr:not(.space):not(.waiting)').length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser.running() as one:
        yield one


def visit(browser: Browser, server: Viewer, at: str = "#/", width: int = 1440) -> None:
    browser.open(server.url, width, 900, at=at)
    browser.wait(f"document.documentElement.dataset.ready === {at!r}")


def go(browser: Browser, at: str) -> None:
    browser.ask(f"location.hash = {at!r}")
    browser.wait(f"document.documentElement.dataset.ready === {at!r}")


def quiet(browser: Browser, server: Viewer) -> None:
    assert browser.said == []
    base = server.url.partition("?")[0]
    assert all(url.startswith((base, "data:,", "data:image/png;base64,")) for url in browser.requests)


def test_a_run_is_followed_while_it_writes(
    browser: Browser, view: View, going: Callable[..., Run], tmp_path: Path
) -> None:
    run = going(tmp_path / "run", 20)
    server = view(tmp_path)
    visit(browser, server)
    browser.wait("document.body.textContent.includes('0 of 40 · running')")
    assert browser.ask("location.search") == ""  # the token is no longer in the address
    for k in range(10):
        run.add(f"p{k}", "vanilla", "w")
    browser.wait("document.body.textContent.includes('10 of 40 · running')")
    browser.ask("document.querySelector('.list a').click()")
    browser.wait("document.querySelector('main .remarks')?.textContent.includes('not finished')")
    for k in range(20):
        run.add(f"p{k}", "vanilla", "w")
        run.add(f"p{k}", "cot", "r")
    browser.wait("document.body.textContent.includes('40 of 40 · running')")
    run.store.close()
    browser.wait("document.body.textContent.includes('40 of 40 · done')")
    browser.wait("document.querySelector('.headline')?.textContent.startsWith('cot beats vanilla by 100 points')")
    assert browser.ask("document.querySelectorAll('.interval b').length") == 2
    quiet(browser, server)


def test_problems_are_filtered_and_opened_side_by_side(browser: Browser, view: View, tmp_path: Path) -> None:
    made(tmp_path / "run", 60, 4)
    server = view(tmp_path)
    visit(browser, server, "#/run?name=run&tab=problems")
    browser.wait("document.querySelector('output').textContent === '60 problems'")
    expected = server.json("/api/problems?run=run&show=disagree&of=2")
    browser.ask("document.querySelector('select').value")
    browser.ask(
        "(() => { const [show, of] = document.querySelectorAll('.filters select'); show.value = 'disagree';"
        " of.value = '2'; show.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )
    browser.wait(f"document.querySelector('output').textContent === '{expected['matched']} of 60 problems'")
    assert browser.ask("location.hash") == "#/run?name=run&tab=problems&show=disagree&of=2"
    second = expected["rows"][1][0]
    browser.ask("document.querySelectorAll('.virtual tbody tr:not(.space) td')[8].click()")
    browser.wait(f"document.querySelector('#place h2')?.textContent === {second!r}")
    assert browser.ask("document.querySelectorAll('.side article .steps .said').length") >= 4
    assert browser.ask("document.querySelectorAll('.side article h3')[2].textContent") == "3  cot(shots=4)"
    browser.press("ArrowRight", 39)
    browser.wait(f"document.querySelector('#place h2')?.textContent === {expected['rows'][2][0]!r}")
    browser.ask("document.querySelectorAll('.chips input')[0].click()")
    assert browser.ask("[...document.querySelectorAll('.side article')].filter((one) => !one.hidden).length") == 3
    browser.press("Escape", 27)
    browser.wait(f"document.querySelector('output')?.textContent === '{expected['matched']} of 60 problems'")
    quiet(browser, server)


def test_only_the_rows_in_view_are_drawn(browser: Browser, view: View, tmp_path: Path) -> None:
    made(tmp_path / "run", 1500, 1, traces=False)
    server = view(tmp_path)
    visit(browser, server, "#/run?name=run&tab=problems")
    browser.wait(f"{ROWS} > 10")
    assert browser.ask(ROWS) < 60
    browser.ask("document.querySelector('.virtual-scroll').scrollTop = 1e9")
    browser.wait("document.querySelector('.virtual-scroll').textContent.includes('made-01499')")
    assert browser.ask(ROWS) < 60
    browser.ask("[...document.querySelectorAll('.virtual a')].at(-1).click()")
    browser.wait("document.querySelector('#place h2')?.textContent === 'made-01499'")
    browser.ask("history.back()")
    browser.wait("document.querySelector('.virtual-scroll')?.textContent.includes('made-01499')")
    quiet(browser, server)


@pytest.mark.parametrize("width", [1440, 500])
def test_every_page_fits_the_screen(browser: Browser, view: View, tmp_path: Path, width: int) -> None:
    made(tmp_path / "a", 12, 3)
    made(tmp_path / "b", 12, 3)
    row = '{"id": "x", "state": "answered", "value": 1, "steps": {"one": 1}}\n'
    (tmp_path / "out.jsonl").write_text(row, encoding="utf-8")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/run.json").write_text("{", encoding="utf-8")
    server = view(tmp_path)
    visit(browser, server, "#/", width)
    pages = ["#/run?name=a", "#/run?name=a&tab=problems", "#/run?name=a&tab=settings", "#/output?name=out.jsonl&row=0"]
    pages += ["#/problem?run=a&run=b&id=made-00001", "#/compare?before=a&after=b", "#/run?name=broken", "#/"]
    for page in pages:
        go(browser, page)
        assert browser.ask("document.querySelector('main').textContent.trim().length > 3 || !trouble.hidden"), page
        assert browser.ask("document.documentElement.scrollWidth") == width, page
    quiet(browser, server)


def test_a_choice_of_two_runs_compares_them(browser: Browser, view: View, tmp_path: Path) -> None:
    made(tmp_path / "a", 12, 2)
    made(tmp_path / "b", 12, 2)
    server = view(tmp_path)
    visit(browser, server)
    for name in ("a", "b"):
        browser.ask(f"document.querySelector('[aria-label=\"compare {name}\"]').click()")
    browser.ask("document.querySelector('button.plain').click()")
    browser.wait("document.querySelector('main h2')?.textContent === 'a → b'")
    assert browser.ask("document.querySelectorAll('tbody tr').length") == 2
    browser.ask("[...document.querySelectorAll('main a')].find((one) => one.textContent.includes('one table')).click()")
    browser.wait("document.querySelector('main h2')?.textContent.startsWith('made up · 12 problems')")
    quiet(browser, server)


def test_hostile_content_is_shown_as_text(browser: Browser, view: View, tmp_path: Path) -> None:
    hostile(tmp_path / "run<img src=x onerror=alert(1)>")
    row = '{"id": "<script>alert(1)</script>", "state": "answered", "value": "<img src=x>", "steps": {"<b>": "<i>"}}\n'
    (tmp_path / "<b>.jsonl").write_text(row, encoding="utf-8")
    server = view(tmp_path)
    name = "run%3Cimg+src%3Dx+onerror%3Dalert%281%29%3E"
    visit(browser, server)
    browser.ask("window.alert = () => document.body.remove()")
    pages = [f"#/run?name={name}", f"#/run?name={name}&tab=problems", f"#/run?name={name}&tab=settings"]
    for page in [*pages, "#/output?name=%3Cb%3E.jsonl&row=0", "#/"]:
        go(browser, page)
        assert browser.ask("document.querySelectorAll('img, main script, main i b, dl b').length") == 0
    go(browser, f"#/run?name={name}&tab=problems")
    browser.wait(f"{ROWS} === 3")
    browser.ask("document.querySelector('.virtual a').click()")
    browser.wait("document.querySelectorAll('.side article').length === 2")
    browser.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    shown = HOSTILE.replace("\u2028", "U+2028").replace("\u202e", "U+202E").replace("\0", "U+0000")
    assert browser.ask("document.querySelector('.asked pre').textContent") == shown
    assert browser.ask("document.querySelectorAll('img, main script').length") == 0
    quiet(browser, server)


def test_a_viewer_that_has_ended_is_named(browser: Browser, view: View, tmp_path: Path) -> None:
    made(tmp_path / "a", 2, 1)
    server = view(tmp_path)
    visit(browser, server)
    browser.open(server.url.partition("?")[0] + "?token=wrong")
    assert "the address that `reasoning view` printed" in browser.ask("document.body.textContent")


def test_a_picture_is_shown_and_a_url_is_not_fetched(browser: Browser, view: View, tmp_path: Path) -> None:
    problem = Problem("Bars?", kinds.Number(), images=[png(40, 30), "https://example.invalid/x.png"], id="p0")
    compare(["cot"], [Example(problem, 3)], ScriptedLLM(["The answer is 3."]), out=tmp_path / "run")
    server = view(tmp_path)
    visit(browser, server, "#/problem?run=run&id=p0")
    browser.wait("document.querySelector('.picture img')?.naturalWidth === 40")
    assert browser.ask("document.querySelectorAll('.picture').length") == 2
    assert browser.ask("document.querySelectorAll('.picture img').length") == 1
    assert "https://example.invalid/x.png" in browser.ask("document.body.textContent")
    quiet(browser, server)
