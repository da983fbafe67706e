"""Tools for acting: functions, pages, programs, tables and strategies, and what goes wrong in them."""

from __future__ import annotations

import asyncio
import threading
from datetime import date
from enum import Enum
from typing import Any, Literal

import pytest

from reasoning import Budget, Chain, Problem, Prompt, Step, kinds, strategies
from reasoning.errors import BudgetExhausted, CallFailed, UnknownName, UsageError
from reasoning.retrieval.document import Corpus, Document
from reasoning.retrieval.entity_pages import CorpusPages
from reasoning.session import Session
from reasoning.strategy import technique
from reasoning.testing import ScriptedLLM
from reasoning.tools import FunctionTool, PythonTool, SQLTool, StrategyTool, as_tools, make_tools, page_tools
from reasoning.trace import ToolCall, Trace


def use(tool: Any, session: Session, **arguments: Any) -> tuple[str, bool]:
    result = asyncio.run(session.tools.use(tool, arguments))
    return result.text, result.error


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def test_a_function_becomes_a_tool_with_its_schema() -> None:
    def book(hotel: str, nights: int, colour: Colour, size: Literal["s", "l"] = "s", when: date | None = None) -> str:
        """Book a room,
        or several.

        More about it.

        Args:
            hotel: the name of the hotel.
            nights (int): the number of nights.
        """
        return ""

    tool = FunctionTool(book)
    assert (tool.name, tool.description, repr(tool)) == ("book", "Book a room, or several.", "book")
    properties = tool.parameters["properties"]
    assert properties["hotel"] == {"type": "string", "description": "the name of the hotel."}
    assert properties["nights"]["description"] == "the number of nights."
    assert properties["size"]["enum"] == ["s", "l"]
    assert tool.parameters["required"] == ["hotel", "nights", "colour"]
    assert tool.parameters["additionalProperties"] is False


def test_a_function_gets_converted_arguments_and_its_result_is_text(session: Session) -> None:
    def told(when: date, colour: Colour) -> dict[str, Any]:
        """Tell what came."""
        return {"year": when.year, "colour": colour.name, "thread": threading.current_thread().daemon}

    text, error = use(FunctionTool(told), session, when="2026-05-03", colour="blue")
    assert (text, error) == ('{"year": 2026, "colour": "BLUE", "thread": true}', False)
    text, error = use(FunctionTool(told), session, when="soon", colour="blue")
    assert error
    assert text.startswith("when: ")

    async def later(x: int) -> int:
        """Add one, later."""
        await asyncio.sleep(0)
        return x + 1

    assert use(FunctionTool(later), session, x=1) == ("2", False)


def test_an_exception_and_a_time_limit_are_results(session: Session) -> None:
    def broken(x: str) -> str:
        """Break."""
        raise KeyError("sk-proj-" + "a" * 40)

    def stopped(x: str) -> str:
        """Stop."""
        raise StopIteration

    text, error = use(FunctionTool(broken), session, x="")
    assert error
    assert text.startswith("broken failed: KeyError")
    assert "aaaa" not in text
    assert use(FunctionTool(stopped), session, x="")[1]

    def ended(x: str) -> str:
        """End."""
        raise SystemExit(3)

    async def ended_too(x: str) -> str:
        """End."""
        raise SystemExit(3)

    for function in (ended, ended_too):
        assert use(FunctionTool(function), session, x="") == (f"{function.__name__} failed: SystemExit: 3", True)

    release = threading.Event()

    def slow(x: str) -> str:
        """Wait."""
        release.wait(20)
        return "done"

    async def slow_too(x: str) -> str:
        """Wait."""
        await asyncio.sleep(20)
        return "done"

    try:
        for function in (slow, slow_too):
            tool = FunctionTool(function, seconds=0.02)
            assert use(tool, session, x="") == (f"{function.__name__} gave no result within 0.02 s", True)
    finally:
        release.set()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x, "needs a name"),
        (len, "a docstring|by name"),
        (lambda: print, "needs a name"),
    ],
)
def test_a_function_that_is_no_tool_is_refused(function: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FunctionTool(function)


@pytest.mark.parametrize("seconds", [0, -1, "5", None])
def test_a_time_limit_is_a_number(seconds: Any) -> None:
    with pytest.raises(UsageError, match="seconds of the tool len must be a number above 0, got"):
        FunctionTool(len, description="measures", seconds=seconds)


def test_a_result_is_formatted_in_the_thread_of_its_function(session: Session) -> None:
    threads = []

    class Large:
        def __str__(self) -> str:
            threads.append(threading.current_thread().name)
            return "large"

    def made(x: str) -> Any:
        """Make."""
        return [Large()]

    assert use(FunctionTool(made), session, x="") == ('["large"]', False)
    assert threads == ["tool"]


def test_a_function_must_be_described() -> None:
    def silent(x: str) -> str:
        return x

    with pytest.raises(UsageError, match="the function silent needs a docstring"):
        FunctionTool(silent)

    def listed(*words: str) -> str:
        """Join words."""
        return ""

    with pytest.raises(UsageError, match=r"each argument by name, got \*words"):
        FunctionTool(listed)

    def typed(x: Nowhere) -> str:  # type: ignore[name-defined]  # noqa: F821
        """Take something."""
        return ""

    with pytest.raises(UsageError, match="type hints that can be read"):
        FunctionTool(typed)
    assert FunctionTool(lambda x: x, "same", "returns what it gets").name == "same"


def test_results_are_short_and_control_nothing(session: Session) -> None:
    def hostile(x: str) -> str:
        """Return something hostile."""
        return "\x1b[2J" + x + "a" * 100_000

    text, _ = use(FunctionTool(hostile), session, x="\u202e")
    assert len(text) < 9_000
    assert text.isprintable()


PAGES = CorpusPages(
    Corpus(
        "rivers",
        [
            Document("The Vael is a river. It is cold. Osk lies on it. So does Harle.", title="Vael"),
            Document("Osk (town) is a town.", title="Osk (town)"),
            Document("Osk (river) is a river.", title="Osk (river)"),
        ],
    )
)


def test_pages_are_searched_and_read_on(session: Session) -> None:
    search, lookup = page_tools(PAGES)
    assert use(lookup, session, keyword="it") == ("there is no page to look in: use Search first", True)
    assert use(search, session, entity="vael")[0].startswith("The Vael is a river. It is cold.")
    assert use(lookup, session, keyword="lies") == ("(Result 1 / 1) Osk lies on it.", False)
    assert use(lookup, session, keyword="lies") == ("No more results.", False)
    found, error = use(search, session, entity="Osk")
    assert "Osk (town); Osk (river)" in found
    assert not error
    # The page that was open stays open.
    assert use(lookup, session, keyword="harle")[0] == "(Result 1 / 1) So does Harle."
    other, _ = page_tools(PAGES)[1], None
    assert use(other, session, keyword="harle")[1], "another trajectory has no page open"


def test_programs_run_in_the_sandbox(session: Session) -> None:
    tool = PythonTool()
    assert use(tool, session, program="print(6 * 7)") == ("42", False)
    assert use(tool, session, program="6 * 7") == ("42", False)
    assert use(tool, session, program="```python\nx = 6\nprint('six')\nx * 7\n```") == ("six\n42", False)
    assert use(tool, session, program="x = 42") == ("42", False)
    failed = "The program failed: ZeroDivisionError: division by zero"
    assert use(tool, session, program="1 / 0") == (f"{failed} (line 1)", True)
    assert use(tool, session, program="print(72)\n1 / 0") == (f"{failed} (line 2)\nIt had printed:\n72", True)
    assert use(tool, session, program="print(open('/etc/passwd').read())")[1]


def test_a_table_answers_sql_and_nothing_else(session: Session) -> None:
    tool = SQLTool([["bridge", "length"], ["Ommer", "412"], ["Tarn", "390"]])
    assert '"length" integer' in tool.description
    assert use(tool, session, query="SELECT bridge FROM w WHERE length > 400") == ("bridge\nOmmer", False)
    assert use(tool, session, query="SELECT bridge FROM w WHERE length > 999") == ("No row fits.", False)
    for wrong in ("SELECT nothing FROM w", "DROP TABLE w", "ATTACH 'x' AS y", ""):
        assert use(tool, session, query=wrong)[1]


def test_a_strategy_answers_within_the_same_solve(session: Session) -> None:
    tool = StrategyTool(strategies.get("cot(stages=1)"))
    assert (tool.name, repr(tool)) == ("cot", "cot(stages=1)")
    assert use(tool, session, question="Which town?") == ("Harle", False)
    assert len(list(session.trace.calls())) == 1
    named = StrategyTool(strategies.get("cot"), "Ask", "asks", kinds.Number())
    assert repr(named) == "StrategyTool(cot, 'Ask', 'asks', Number())"
    text, error = use(named, session, question="How many?")
    assert error
    assert text.startswith("Ask has no answer: ")
    with pytest.raises(UsageError, match="gives answers of"):
        StrategyTool(strategies.get("pot"), kind=kinds.Spans(["x"]))
    with pytest.raises(UsageError, match="takes a strategy"):
        StrategyTool("cot")  # type: ignore[arg-type]


def test_a_chain_is_a_tool(session: Session) -> None:
    chain = Chain(Step("answer", Prompt(input="Answer: {question}")), name="ask")
    assert use(StrategyTool(chain, description="asks"), session, question="Which town?") == ("Harle", False)
    assert repr(StrategyTool(chain)) == repr(chain)


def test_a_failed_call_of_a_strategy_is_no_result() -> None:
    tool = StrategyTool(strategies.get("vanilla"))
    with pytest.raises(CallFailed, match="gone"):
        use(tool, Session(ScriptedLLM([CallFailed("gone")]), Trace("test")), question="?")
    with pytest.raises(BudgetExhausted):
        use(tool, Session(ScriptedLLM(["x"], budget=Budget(calls=0)), Trace("test")), question="?")


def test_a_use_is_one_event_of_the_trace(session: Session) -> None:
    search, lookup = page_tools(PAGES)
    use(search, session, entity="Vael")
    use(lookup, session, keyword="cold")
    events = [event for event in session.trace.events if isinstance(event, ToolCall)]
    assert [(event.name, event.arguments, event.error) for event in events] == [
        ("Search", {"entity": "Vael"}, False),
        ("Lookup", {"keyword": "cold"}, False),
    ]
    assert Trace.from_json(session.trace.to_json()) == session.trace


def test_concurrent_uses_are_events_of_the_same_trace(session: Session) -> None:
    async def waiting(x: int) -> int:
        """Wait."""
        await asyncio.sleep(0.01 * x)
        return x

    async def both() -> None:
        tool = FunctionTool(waiting)
        await asyncio.gather(*(session.tools.use(tool, {"x": x}) for x in (2, 0, 1)))
        session.note("done")

    trace = session.trace
    asyncio.run(both())
    assert session.trace is trace
    assert [getattr(event, "result", "note") for event in trace.events] == ["0", "1", "2", "note"]


def test_the_values_of_tools() -> None:
    def add(x: int) -> int:
        """Add."""
        return x

    assert as_tools("python") == ("python",)
    assert [*map(repr, as_tools(["sql", add, strategies.get("cot")]))] == ["'sql'", "add", "cot"]
    with pytest.raises(UnknownName, match="unknown tool 'pyton'; did you mean 'python'"):
        as_tools("pyton")
    for wrong in (5, None, object(), Colour):
        with pytest.raises(UsageError, match="a tool must be one of 'pages', 'search', 'python', 'sql', a function"):
            as_tools((wrong,))
    problem = Problem("?", table=[["a"], ["1"]], corpus=PAGES.corpus)
    made = make_tools(as_tools(("pages", "python", "sql", add, strategies.get("cot"))), problem, None)
    assert [tool.name for tool in made] == ["Search", "Lookup", "Python", "SQL", "add", "cot"]
    assert [tool.name for tool in make_tools(("search",), problem, None)] == ["Search"]
    with pytest.raises(UsageError, match="needs a problem with a table"):
        make_tools(("sql",), Problem("?"), None)
    with pytest.raises(UsageError):
        make_tools(("pages",), Problem("?"), None)


def test_a_technique_of_the_users_own_is_a_tool(session: Session) -> None:
    @technique(title="Fixed", calls="0")
    class Fixed(strategies.Vanilla):
        """Answer always the same."""

        async def solve(self, problem: Problem, session: Session) -> Any:
            return problem.parse("The answer is Osk.")

    assert use(StrategyTool(Fixed()), session, question="?") == ("Osk", False)
