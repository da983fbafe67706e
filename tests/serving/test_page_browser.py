"""The page of a server in a real browser: traces that grow, two strategies side by side, keys, errors, hostile text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from reasoning.engine.budget import Budget
from reasoning.errors import CallFailed
from reasoning.serving.access import Access, Key
from tests.benchmarks.report.browser import CHROMIUM, Browser
from tests.benchmarks.report.test_html_page import HOSTILE
from tests.serving.page_server import QUESTION, Replies, serve

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

KEY = "a key of sixteen signs"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser.running() as one:
        yield one


def visit(browser: Browser, url: str, width: int = 1280, **fields: str) -> None:
    browser.open(url, width, 900, at=f"#{urlencode({'question': QUESTION, **fields})}")
    browser.wait("document.documentElement.dataset.ready === 'yes'")


def ask(browser: Browser, button: str = "recorded") -> None:
    browser.ask(f"{button}.click()")
    browser.wait("document.documentElement.dataset.state === 'idle'")


def shown(browser: Browser, side: int, part: str = "") -> str:
    inside = f".querySelector({part!r})" if part else ""
    found = browser.ask(f"document.querySelectorAll('.side article')[{side}]{inside}?.textContent ?? ''")
    assert isinstance(found, str)
    return found


def quiet(browser: Browser, url: str) -> None:
    """Assert that the page wrote no error, ran no foreign script, and asked its own server only."""
    assert browser.said == []
    assert all(address.startswith((url, "data:,")) for address in browser.requests)


def by_draw(prompt: str, draw: int) -> str:
    return f"Sum it up. The answer is {8 if draw == 1 else 7}."


def test_two_strategies_answer_side_by_side_and_a_vote_is_drawn(browser: Browser) -> None:
    with serve(Replies(by_draw)) as url:
        visit(browser, url, first="vote", second="direct", kind="number")
        ask(browser)
        assert [shown(browser, side, ".answer") for side in (0, 1)] == ["7", "7"]
        assert browser.ask("[...document.querySelectorAll('.vote span')].map((one) => one.textContent)") == [
            "7 × 4 · 80%",
            "8 × 1 · 20%",
        ]
        assert browser.ask("[...document.querySelectorAll('.vote i')].map((one) => one.style.width)") == ["80%", "20%"]
        assert "drawn now: 5 calls · 50 + 25 tokens · $0.0050" in shown(browser, 0)
        assert "drawn now: 1 call · 10 + 5 tokens · $0.0010" in shown(browser, 1)
        assert browser.ask("document.querySelectorAll('.side article')[0].querySelectorAll('.steps .said').length") == 5
        assert "Let's think step by step" in shown(browser, 0, ".steps details")
        assert browser.ask("said.textContent") == "vote: 7. direct: 7"
        quiet(browser, url)


def test_a_trace_grows_while_the_strategy_runs(browser: Browser) -> None:
    client = Replies(lambda prompt, draw: f"The answer is {7 + draw}.")
    client.open = False
    with serve(client) as url:
        visit(browser, url, first="deep", kind="number")
        browser.ask("recorded.click()")
        browser.wait("document.querySelectorAll('.steps .running').length > 0")
        assert browser.ask("document.querySelectorAll('.said').length") == 0
        assert browser.ask("[recorded.disabled, cancel.disabled]") == [True, False]
        outer = "[...document.querySelectorAll('.side article > div > .steps > li > details > summary b')]"
        # The page may show the first one before the others have begun.
        browser.wait(f"{outer}.length === 3")
        assert browser.ask(f"{outer}.map((one) => one.textContent)") == ["sample 1", "sample 2", "sample 3"]
        client.open = True
        browser.wait("document.documentElement.dataset.state === 'idle'")
        assert browser.ask("document.querySelectorAll('.steps .running').length") == 0
        names = browser.ask("[...document.querySelectorAll('.steps summary b')].map((one) => one.textContent)")
        assert names.count("decompose") == 3
        assert {"sample 1", "sample 2", "sample 3"} <= set(names)
        quiet(browser, url)


def test_a_recorded_answer_is_marked_and_new_draws_are_paid(browser: Browser) -> None:
    client = Replies()
    with serve(client) as url:
        visit(browser, url, first="direct")
        ask(browser)
        ask(browser)
        assert client.sent == 1
        assert "recorded answer · 0 tokens paid" in shown(browser, 0)
        assert "from the journal" in shown(browser, 0, ".steps")
        ask(browser, "fresh")
        assert client.sent == 2
        assert "drawn now: 1 call" in shown(browser, 0)
        quiet(browser, url)


def test_a_server_that_draws_anew_offers_no_recorded_answers(browser: Browser) -> None:
    client = Replies()
    with serve(client, fresh=True) as url:
        visit(browser, url, first="direct")
        assert browser.ask("fresh.hidden")
        assert "draws every answer anew" in browser.ask("document.getElementById('about-fresh').textContent")
        ask(browser)
        ask(browser)
        assert client.sent == 2
        assert "drawn now: 1 call" in shown(browser, 0)
        quiet(browser, url)


def test_cancelling_ends_the_solve_and_asking_again_pays_only_for_the_rest(browser: Browser) -> None:
    client = Replies()
    client.open = False
    with serve(client) as url:
        visit(browser, url, first="deep", kind="number")
        browser.ask("recorded.focus()")
        browser.press("Enter", 13)
        browser.wait("document.querySelectorAll('.steps .running').length === 3")
        assert browser.ask("document.activeElement.id") == "cancel"
        browser.press("Enter", 13)
        browser.wait("document.documentElement.dataset.state === 'idle'")
        assert browser.ask("document.activeElement.id") == "recorded"
        assert shown(browser, 0, "p").startswith("cancelled after")
        browser.wait("fetch('/health').then((one) => one.json()).then((one) => one.requests_in_flight === 0)")
        assert client.sent == 3
        client.open = True
        ask(browser)
        assert client.sent == 6  # of two rounds of three samples
        assert shown(browser, 0, ".answer") == "7"
        quiet(browser, url)


def test_a_key_is_asked_for_and_kept_in_memory_only(browser: Browser) -> None:
    key = Key("one", hashlib.sha256(KEY.encode()).digest())
    with serve(Replies(), access=lambda llm: Access(llm, [key])) as url:
        visit(browser, url, first="direct", second="vote")
        assert browser.ask("[access.hidden, ask.hidden]") == [False, True]
        assert browser.ask("trouble.textContent") == "This server needs a key."
        browser.ask("key.value = 'ein Schlüssel wie keiner'; access.requestSubmit()")
        assert "ASCII characters only" in browser.ask("trouble.textContent")
        for given, works in (("a wrong key of a kind", False), (KEY, True)):
            browser.ask(f"key.value = {given!r}; access.requestSubmit()")
            browser.wait("access.hidden" if works else "trouble.textContent === 'The server does not know this key.'")
            assert browser.ask("key.value") == ""
        assert browser.ask("[first.value, second.value, question.value]") == ["direct", "vote", QUESTION]
        ask(browser)
        assert shown(browser, 0, ".answer") == "7"
        stored = (
            "JSON.stringify([localStorage, sessionStorage, document.cookie, location.href, document.body.outerHTML])"
        )
        assert KEY not in browser.ask(stored)
        browser.said.clear()  # the browser writes the two refusals to its console
        quiet(browser, url)


def test_errors_and_a_used_up_budget_are_stated(browser: Browser) -> None:
    with serve(Replies(), problem_budget=Budget(calls=3)) as url:
        visit(browser, url, first="vote", second="direct", kind="expression")
        ask(browser)
        assert "3 of at most 5 samples, since the budget is used up" in shown(browser, 0, ".facts.warn")
        quiet(browser, url)
        visit(browser, url, first="vote", second="gone")
        assert "which this server does not have" in browser.ask("trouble.textContent")
    ask(browser)
    assert "The server cannot be reached" in shown(browser, 0, ".remarks")


def test_a_call_that_fails_is_shown_where_it_failed(browser: Browser) -> None:
    def fail(prompt: str, draw: int) -> str:
        raise CallFailed("the provider said: <b>\u202eno</b>")

    with serve(Replies(fail)) as url:
        visit(browser, url, first="direct")
        ask(browser)
        assert "the provider said: <b>" in shown(browser, 0, ".remarks")
        assert "\u202e" not in shown(browser, 0)
        assert "the provider said" in shown(browser, 0, ".steps .warn")
        assert "drawn until then: nothing" in shown(browser, 0)
        quiet(browser, url)


def test_a_page_of_another_site_can_neither_ask_nor_read(browser: Browser) -> None:
    client = Replies()
    with serve(client) as url:
        browser.open("about:blank")
        body = json.dumps({"model": "direct", "messages": [{"role": "user", "content": QUESTION}]})
        for options in ({"mode": "no-cors"}, {"headers": {"Content-Type": "application/json"}}):
            asked = json.dumps({"method": "POST", "body": body, **options})
            browser.ask(f"fetch('{url}v1/chat/completions', {asked}).catch(() => null).then(() => true)")
        reading = f"fetch('{url}v1/models').then((one) => one.text()).catch((error) => error.name)"
        assert browser.ask(reading) == "TypeError"
        assert client.sent == 0


def test_hostile_replies_are_shown_as_text(browser: Browser) -> None:
    with serve(Replies(lambda prompt, draw: f"{HOSTILE}\n\n{'<b>x' * 250_000}\nThe answer is 7.")) as url:
        visit(browser, url, first="direct", second="deep", kind="number")
        browser.ask("window.alert = () => document.body.remove()")
        ask(browser)
        browser.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert browser.ask("document.querySelectorAll('.side img, .side script, pre b, pre i').length") == 0
        seen = HOSTILE.replace("\u2028", "U+2028").replace("\u202e", "U+202E").replace("\0", "U+0000")
        assert shown(browser, 0, ".said").startswith(seen)
        assert browser.ask("document.querySelectorAll('.said')[0].textContent.length") < 30_000
        assert "show the other" in shown(browser, 0, "button")
        assert shown(browser, 0, ".answer") == "7"
        quiet(browser, url)


def test_a_link_restores_the_question_without_asking(browser: Browser) -> None:
    client = Replies()
    with serve(client) as url:
        visit(browser, url, first="vote")
        browser.ask("question.value = 'Blue or red? <b>&#'; kind.value = 'choice'; options.value = 'red\\nblue';")
        browser.ask("second.value = 'direct'; kind.dispatchEvent(new Event('change', { bubbles: true }))")
        ask(browser)
        link = browser.ask("document.getElementById('link').href")
        sent = client.sent
        browser.open(link, 1280, 900)
        browser.wait("document.documentElement.dataset.ready === 'yes'")
        fields = "[first, second, kind, options, question].map((one) => one.value)"
        assert browser.ask(fields) == ["vote", "direct", "choice", "red\nblue", "Blue or red? <b>&#"]
        assert client.sent == sent
        browser.ask("location.hash = '#first=steps&question=x'")
        browser.wait("first.value === 'steps'")
        assert browser.ask(fields) == ["steps", "", "", "", "x"]
        quiet(browser, url)


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_fits_the_screen(browser: Browser, width: int) -> None:
    with serve(Replies(lambda prompt, draw: "W" * 3000 + "\nThe answer is 7.")) as url:
        visit(browser, url, width, first="deep", second="vote", kind="number")
        ask(browser)
        assert browser.ask("document.documentElement.scrollWidth") == width
        assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        browser.ask("theme.value = 'dark'; theme.dispatchEvent(new Event('change'))")
        assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
        browser.ask("localStorage.clear()")
        quiet(browser, url)


def test_every_field_has_a_label_and_is_reached_by_the_keyboard(browser: Browser) -> None:
    with serve(Replies()) as url:
        visit(browser, url, first="vote", kind="choice", options="a\nb")
        fields = "[...document.querySelectorAll('select, textarea, input')].filter((one) => !one.labels.length).length"
        assert browser.ask(fields) == 0
        reached = []
        for _ in range(12):
            browser.press("Tab", 9)
            reached.append(browser.ask("document.activeElement.id || document.activeElement.tagName"))
        wanted = ["skip", "theme", "question", "first", "second", "kind", "options", "SUMMARY", "recorded", "fresh"]
        assert reached[: len(wanted)] == wanted
        browser.ask("question.focus()")
        browser.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", windowsVirtualKeyCode=13, modifiers=2)
        browser.wait("document.documentElement.dataset.state === 'idle'")
        assert shown(browser, 0, "h3") == "vote"
        quiet(browser, url)
