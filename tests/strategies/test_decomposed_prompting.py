"""Decomposed prompting: one controller, any handler, recursion with a guard."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reasoning import Budget, Problem, connect, kinds, strategies
from reasoning.errors import BudgetExhausted, CallFailed, UsageError
from reasoning.messages import Message
from reasoning.strategies.decomposition.decomposed_prompting import DecomposedPrompting
from reasoning.strategies.decomposition.handlers import DEFAULT_HANDLERS, Handler, NoAnswer
from reasoning.strategies.decomposition.subquestion_program import SubProgram
from reasoning.strategy import Strategy
from reasoning.testing import Reply, ScriptedLLM
from tests import call_counts

NAMES = Problem('Join the second letters of the words in "Kai Ono" with spaces.', id="names")
PROGRAM = [
    "QS: [split] Kai Ono",
    "QS: (foreach) [qa] What is the second letter of #1?",
    "QS: [merge] #2",
    "QS: [EOQ]",
]


def frame_of(turns: tuple[Message, ...]) -> str | None:
    """The frame that a controller is asked to go on with; None where a handler is asked."""
    said = [turn.content for turn in turns]
    if said[-1].endswith("Write the line again, and nothing else."):
        said = said[:-2]
    start = max((at for at, content in enumerate(said) if content.startswith("QC: ")), default=None)
    return None if start is None else "\n".join(said[start:])


def script(
    program: list[Reply], handler: Callable[[str], Reply] = lambda asked: "The answer is x."
) -> Callable[[tuple[Message, ...]], Reply]:
    """The lines of one frame in order, and a handler."""
    rest = iter(program)
    return lambda turns: next(rest) if frame_of(turns) else handler(turns[-1].content)


def second_letter(asked: str) -> Reply:
    word = re.search(r"letter of (\w+)", asked)
    assert word is not None
    return f"The answer is {word[1][1]}."


def run(program: list[Reply], problem: Problem = NAMES, **changes: Any) -> tuple[Any, ScriptedLLM]:
    llm = ScriptedLLM(script(program, second_letter), latency=0.01, max_n=1)
    return DecomposedPrompting(**changes).run(problem, llm), llm


def test_a_program_runs_line_by_line_and_foreach_side_by_side() -> None:
    answer, llm = run(list(PROGRAM))
    assert answer.value == "a n"
    assert answer.steps == {"#1": ["Kai", "Ono"], "#2": ["a", "n"], "#3": "a n"}
    assert llm.calls == call_counts.calls(strategies.get("decomposed"), c=4, h=2) == 6
    assert llm.rounds == call_counts.rounds(strategies.get("decomposed"), c=4, h=2, b=1) == 5
    assert llm.peak_concurrency == 2
    controllers = [request.messages for request in llm.requests if frame_of(request.messages)]
    assert [frame_of(turns).count("QS:") for turns in controllers] == [0, 1, 2, 3]  # type: ignore[union-attr]
    assert controllers[0][-1].content == f"QC: {NAMES.question}"
    assert [(turn.role, turn.content) for turn in controllers[2][-2:]] == [
        ("assistant", PROGRAM[1]),
        ("user", 'A: ["a", "n"]'),
    ]
    assert all(f"[{handler.name}] {handler.does}" in controllers[0][0].content for handler in DEFAULT_HANDLERS)
    assert llm.requests[0].sampling["stop"] == ["\nA:"]


@pytest.mark.parametrize(
    ("program", "counts"),
    [
        (PROGRAM, {"c": 4, "h": 2, "b": 1}),
        (["QS: [qa] What is the second letter of Kai?", "QS: [EOQ]"], {"c": 2, "h": 1, "b": 0}),
        (["What?", "QS: [qa] What is the second letter of Kai?", "[EOQ]"], {"c": 3, "h": 1, "b": 0}),
    ],
)
def test_the_calls_are_those_of_the_formula(program: list[Reply], counts: dict[str, int]) -> None:
    answer, llm = run(list(program))
    strategy = strategies.get("decomposed")
    assert answer.state == "answered"
    assert llm.calls == call_counts.calls(strategy, **counts)
    assert llm.rounds == call_counts.rounds(strategy, **counts)
    low, high = strategy.calls_range()
    assert low <= llm.calls <= high


def test_a_handler_sees_its_question_and_nothing_of_the_frame_unless_declared() -> None:
    problem = Problem("What is the second letter of the name?", context="The name is Kai.")
    program: list[Reply] = [
        "QS: [blind] What is the second letter of Ono?",
        "QS: [qa] What is the second letter of Kai?",
        "[EOQ]",
    ]
    blind = Handler("blind", "answers", strategies.get("cot(stages=1)"))
    answer, llm = run(program, problem, handlers=(*DEFAULT_HANDLERS, blind))
    assert answer.value == "a"
    handled = [prompt for prompt in llm.prompts if "QC:" not in prompt]
    assert len(handled) == 2
    assert problem.context not in handled[0]  # type: ignore[operator]
    assert problem.context in handled[1]  # type: ignore[operator]
    assert problem.question not in "".join(handled)


def test_any_strategy_and_any_function_is_a_handler() -> None:
    def double(value: Any) -> Any:
        """Doubles a number."""
        return 2 * value

    program: list[Reply] = [
        "QS: [double] 21",
        "QS: [program_of_thoughts] What is #1 plus 1?",
        "QS: [double] #2",
        "[EOQ]",
    ]
    handlers = (double, strategies.get("pot(shots=0)"))
    llm = ScriptedLLM(script(program, lambda asked: "ans = 42 + 1" if "What is 42 plus 1?" in asked else "none"))
    answer = DecomposedPrompting(handlers=handlers).run(Problem("How many?", kinds.Number()), llm)
    assert answer.value == 86
    assert "- [double] Doubles a number." in llm.prompts[0]
    assert "- [program_of_thoughts] Write a program" in llm.prompts[0]
    assert llm.calls == 5


def test_a_coroutine_is_awaited_and_a_function_keeps_nobody_waiting() -> None:
    met = threading.Barrier(2, timeout=20)

    async def look(question: Any) -> Any:
        """Looks something up."""
        await asyncio.sleep(0)
        return f"{question} is 42"

    async def fail(question: Any) -> Any:
        """Finds nothing."""
        raise KeyError(question)

    def meet(question: Any) -> Any:
        """Waits until it is asked twice."""
        met.wait()
        return question

    def empty(question: Any) -> Any:
        """Has nothing."""
        return next(iter(()))

    def called(*program: Reply) -> Any:
        return DecomposedPrompting(handlers=(look, fail, meet, empty, *DEFAULT_HANDLERS)).run(
            NAMES, ScriptedLLM(script([*program]))
        )

    assert called("QS: [look] it", "[EOQ]").value == "it is 42"
    assert called("QS: [split] a b", "QS: (foreach) [meet] #1", "QS: [merge] #2", "[EOQ]").value == "a b"
    assert "[fail] it: KeyError" in called("QS: [fail] it").reason
    assert "[empty] it: StopIteration" in called("QS: [empty] it").reason


def test_a_function_may_ask_a_model_itself() -> None:
    def ask(question: Any) -> Any:
        """Asks another model."""
        return strategies.get("vanilla").run(question, inner).value

    inner = ScriptedLLM(["Riga"], budget=Budget(calls=1))
    llm = ScriptedLLM(script(["QS: [ask] Where?", "[EOQ]"]))
    assert DecomposedPrompting(handlers=(ask,)).run(NAMES, llm).value == "Riga"
    with pytest.raises(BudgetExhausted):  # of the other model
        DecomposedPrompting(handlers=(ask,)).run(NAMES, ScriptedLLM(script(["QS: [ask] Who?"])))


def test_the_spec_takes_strategies_as_handlers_and_shows_them() -> None:
    strategy = strategies.get("decomposed(handlers=(cot, pot(shots=0)), max_steps=4)")
    assert repr(strategy) == "decomposed(handlers=(cot, program_of_thoughts(shots=0)), max_steps=4)"
    assert strategies.get(repr(strategy)) == strategy
    assert repr(strategies.get("decomposed")) == "decomposed"
    assert "0x" not in repr(DecomposedPrompting(handlers=(len, *DEFAULT_HANDLERS)))
    for bad, words in (
        ((len, len), "two handlers are named 'len'"),
        ((Handler("decompose", "", len),), "two handlers are named 'decompose'"),
        (("qa",), r"must be a tuple of Handler or a strategy such as cot or Callable, got \('qa',\)"),
        ((partial(len),), r"Handler\('…', '…', partial\)"),
        ((), "must not be empty"),
    ):
        with pytest.raises(UsageError, match=words):
            DecomposedPrompting(handlers=bad)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="one word"):
        Handler("two words", "", len)
    with pytest.raises(UsageError, match="three_hop"):
        Handler("feels", "", strategies.get("three_hop"), kinds.Number())
    one, other = (DecomposedPrompting(handlers=(Handler("f", does, partial(len)),)) for does in ("counts", "measures"))
    assert repr(one) == "decomposed(handlers=(Handler('f', 'counts', partial),))"
    assert repr(one) != repr(other)


def reverse(turns: tuple[Message, ...]) -> Reply:
    """A controller that reverses a list by halves, and a handler that turns a short one round."""
    frame = frame_of(turns)
    if frame is None:
        found = re.search(r"Turn round (\[.*?\])", turns[-1].content)
        assert found is not None
        return f"The answer is {json.dumps(json.loads(found[1])[::-1])}"
    items = json.loads(frame.partition("\n")[0].removeprefix("QC: Reverse "))
    done = frame.count("QS:")
    if len(items) < 4:
        return ["QS: [qa] Turn round " + json.dumps(items), "QS: [EOQ]"][done]
    half = len(items) // 2
    return [
        f"QS: [decompose] Reverse {json.dumps(items[half:])}",
        f"QS: [decompose] Reverse {json.dumps(items[:half])}",
        "QS: [join] [#1, #2]",
        "QS: [EOQ]",
    ][done]


def join(lists: Any) -> Any:
    """Joins lists."""
    return [item for items in lists for item in items]


def test_recursion_on_smaller_input() -> None:
    letters = list("abcdefghij")
    problem = Problem(f"Reverse {json.dumps(letters)}", kinds.Items())
    llm = ScriptedLLM(reverse)
    answer = DecomposedPrompting(handlers=(*DEFAULT_HANDLERS, join)).run(problem, llm)
    assert answer.value == tuple(reversed(letters))
    frames, leaves = 7, 4  # 10 = 5 + 5 = (3 + 2) + (3 + 2)
    assert llm.calls == call_counts.calls(strategies.get("decomposed"), c=3 * 4 + 4 * 2, h=leaves) == 24
    assert llm.rounds == call_counts.rounds(strategies.get("decomposed"), c=3 * 4 + 4 * 2, h=leaves, b=0)
    assert len({(frame_of(one.messages) or "").partition("\n")[0] for one in llm.requests} - {""}) == frames


def test_recursion_is_guarded_by_size_depth_and_number() -> None:
    same = f"QS: [decompose] {NAMES.question}"
    answer, llm = run([same, same])
    assert answer.state == "unparsed"
    assert "must be shorter" in answer.reason
    assert llm.calls == 2
    assert "must be shorter" in llm.prompts[1]

    deep = ScriptedLLM(lambda turns: f"QS: [decompose] {(frame_of(turns) or '')[4:-1]}")  # a letter less each time
    answer = DecomposedPrompting(max_depth=2).run(NAMES, deep)
    assert answer.state == "unparsed"
    assert "There is no handler [decompose]" in answer.reason
    assert deep.calls == 4  # two frames go down, the third asks twice

    answer, llm = run(["QS: [letters] abcdef", "QS: (foreach) [qa] What is the second letter of #1#1?"], max_asked=5)
    assert "more than 5 sub-questions" in answer.reason
    assert answer.steps == {"#1": list("abcdef")}


def test_foreach_within_a_frame_shares_what_is_left_among_its_elements() -> None:
    def reply(turns: tuple[Message, ...]) -> Reply:
        frame = frame_of(turns) or ""
        if frame.startswith("QC: Do the two"):
            return ["QS: [split] ab cd", "QS: (foreach) [decompose] Do #1", "[EOQ]"][frame.count("QS:")]
        return ["QS: [letters] " + frame.partition("Do ")[2][:2], "QS: (foreach) [merge] #1", "[EOQ]"][
            frame.count("QS:")
        ]

    problem = Problem("Do the two words", kinds.Items())
    llm = ScriptedLLM(reply)
    assert DecomposedPrompting(max_asked=9).run(problem, llm).steps["#2"] == [["a", "b"], ["c", "d"]]
    short = DecomposedPrompting(max_asked=8).run(
        problem, ScriptedLLM(reply)
    )  # 3 asked, 2 left for each word, 3 are wanted
    assert "more than 8 sub-questions" in short.reason


def test_a_handler_can_be_another_controller() -> None:
    inner = strategies.get("decomposed").replace(handlers=DEFAULT_HANDLERS)
    position = Handler("position", "finds the letter of a word at a position", inner)

    def reply(turns: tuple[Message, ...]) -> Reply:
        frame = frame_of(turns)
        assert frame is not None
        done = frame.count("QS:")
        if frame.startswith(f"QC: {NAMES.question}"):
            return ["QS: [split] Kai Ono", "QS: (foreach) [position] second of #1", "QS: [merge] #2", "[EOQ]"][done]
        word = frame.partition("\n")[0].rpartition(" ")[2]
        return [f"QS: [letters] {word}", "QS: [nth] [1, #1]", "[EOQ]"][done]

    def nth(value: Any) -> Any:
        """Takes a position and a list."""
        return value[1][value[0]]

    inner = inner.replace(handlers=(*DEFAULT_HANDLERS, nth))
    llm = ScriptedLLM(reply, latency=0.05)
    outer = DecomposedPrompting(handlers=(*DEFAULT_HANDLERS, Handler(position.name, position.does, inner)))
    assert outer.run(NAMES, llm).value == "a n"
    assert llm.calls == call_counts.calls(outer, c=4, h=2 * 3)
    assert llm.rounds == call_counts.rounds(outer, c=4, h=2 * 3, b=3)  # two words side by side
    assert not any(
        NAMES.question in prompt for prompt in llm.prompts if "second of" in prompt.partition("QC: ")[2][:20]
    )


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        ("", "no line of the form"),
        ("Let me think about the names.", "no line of the form"),
        ("QS: What are the words?", "no line of the form"),
        ("QS: [oracle] What are the words?", "no handler [oracle]"),
        ("QS: (map) [qa] What is #1?", "no operation (map)"),
        ("QS: [qa] What is #1?", "no answer #1"),
        ("QS: (foreach) [qa] What is it?", "needs the # of a list"),
    ],
)
def test_a_malformed_line_is_sent_back_once_and_then_there_is_no_answer(reply: str, complaint: str) -> None:
    answer, llm = run([reply, *PROGRAM])
    assert answer.value == "a n"
    assert complaint in llm.requests[1].messages[-1].content
    answer, llm = run([reply, reply])
    assert answer.state == "unparsed"
    assert answer.reason.startswith("line 1: ")
    assert complaint in answer.reason
    assert llm.calls == 2


def test_only_the_first_line_of_a_reply_counts_and_a_made_up_answer_does_not() -> None:
    answer, llm = run(['I would ask:\nQS: QS: [Split] Kai Ono\nA: ["x"]\nQS: [EOQ]', *PROGRAM[1:]])
    assert answer.value == "a n"
    assert '["x"]' not in llm.prompts[-1]


def test_operations() -> None:
    frame = SubProgram("?", 0, 9, answers=[["a", "b", "a"], {"x": 1, "y": 2}, "one", *range(4, 10), "ten"])

    def asked(line: str) -> Any:
        found = frame.parse_next(line, ("qa",))
        assert found is not None
        return found

    assert asked("QS: [qa] #1 and #10, but not #10").questions == ['["a", "b", "a"] and ten, but not ten']
    assert asked("(select) [qa] #3").combine(["y"]) == "y"
    each = asked("(foreach) [qa] #1 of #2")
    assert each.questions == ['a of {"x": 1, "y": 2}', 'b of {"x": 1, "y": 2}', 'a of {"x": 1, "y": 2}']
    assert each.combine([1, [2], 1]) == [1, [2], 1]
    assert asked("(project_values_flat_unique) [qa] #1").combine([[1, 2], [2], 3]) == [1, 2, 3]
    assert asked("(foreach_merge) [qa] #1").combine([[1, 2], [2], 3]) == [1, 2, 3]
    assert asked("(filter) [qa] Is #1 good?").combine(["yes", "No.", "The answer is yes."]) == ["a", "a"]
    assert asked("(filter) [qa] Is #1 good?").combine([True, False, "maybe"]) == ["a"]
    assert asked("(foreach) [qa] #2").questions == ["1", "2"]
    assert asked("(project_values) [qa] #2").combine([3, 4]) == {"x": 3, "y": 4}
    assert asked("(project_keys) [qa] #2").questions == ["x", "y"]
    assert asked("(project_keys_values) [qa] #2").combine([3, 4]) == [3, 4]
    assert asked("(filter_keys) [qa] #2").combine(["no", "yes"]) == ["y"]
    assert asked("(foreach) [qa] #3").questions == ["one"]  # a text is a list of one
    empty = SubProgram("?", 0, 9, answers=[[]]).parse_next("(foreach) [qa] #1", ("qa",))
    assert empty is not None
    assert (empty.questions, empty.combine([])) == ([], [])
    kept = SubProgram("Who is #7?", 0, 9).parse_next("[qa] Who is #7?", ("qa",))
    assert kept is not None
    assert kept.questions == ["Who is #7?"]  # the question's own
    with pytest.raises(NoAnswer, match="no operation"):
        asked("(foreach_sorted) [qa] #1")


def test_reading_a_line_is_linear() -> None:
    frame = SubProgram("?", 0, 9)
    for text in (
        "QS: " * 50_000,
        "(" * 100_000,
        "[" * 100_000,
        "QS:" + " " * 100_000,
        "[qa" + " " * 100_000,
        "\n" * 100_000,
    ):
        with pytest.raises(NoAnswer):
            frame.parse_next(text, ("qa",))


def test_a_handler_without_an_answer_ends_the_program_with_what_came_before() -> None:
    program = ["QS: [split] Kai Ono", "QS: (foreach) [qa] What is the second letter of #1?"]
    llm = ScriptedLLM(script([*program], lambda asked: "I don't know." if "Ono" in asked else "The answer is a."))
    answer = DecomposedPrompting().run(NAMES, llm)
    assert answer.state == "unparsed"
    assert "line 2: [qa] What is the second letter of Ono?" in answer.reason
    assert answer.steps == {"#1": ["Kai", "Ono"]}
    broken = ScriptedLLM(script(["QS: [len] 5"]))
    answer = DecomposedPrompting(handlers=(len,)).run(NAMES, broken)
    assert "[len] 5: TypeError" in answer.reason


def test_a_program_that_does_not_end() -> None:
    llm = ScriptedLLM(lambda turns: "QS: [letters] abc")
    answer = strategies.get("decomposed(max_steps=3)").run(NAMES, llm)
    assert answer.state == "unparsed"
    assert "no [EOQ] after 3 lines" in answer.reason
    assert llm.calls == 4
    assert list(answer.steps) == ["#1", "#2", "#3"]


def test_the_kind_reads_the_last_answer() -> None:
    def last(value: str, problem: Problem) -> Any:
        return run([f"QS: [qa] {value}", "[EOQ]"], problem, handlers=(Handler("qa", "", lambda text: text),))[0]

    assert last("43.0", Problem("?", kinds.Number())).value == 43
    assert last("true", Problem("?", kinds.YesNo())).value is True
    assert last('["a", "b"]', Problem("?", kinds.Items())).value == ("a", "b")
    assert last('{"a": [1]}', Problem("?", kinds.Json())).value == {"a": [1]}
    assert last("a dog", Problem("?", options=("a cat", "a dog"))).value == "B"
    assert last("a fish", Problem("?", options=("a cat", "a dog"))).state == "unparsed"
    assert last("many", Problem("?", kinds.Number())).state == "unparsed"
    assert last('["a; b", "1. FC"]', Problem("?", kinds.Items())).value == ("a; b", "1. FC")
    assert last("[]", Problem("?", kinds.Items(empty="none"))).value == ()


def test_a_text_that_looks_like_a_number_stays_as_it_was_said() -> None:
    program = ["QS: [qa] How much?", "QS: [merge] #1", "[EOQ]"]
    llm = ScriptedLLM(script(program, lambda asked: "The answer is 12.30"))
    assert DecomposedPrompting().run(Problem("How much?", kinds.Text()), llm).value == "12.30"


@pytest.mark.parametrize("by", [strategies.get("vanilla"), lambda text: ("Kai", "Ono")])
def test_items_and_tuples_are_lists(by: Any) -> None:
    kind = kinds.Items() if isinstance(by, Strategy) else kinds.Text()
    names = Handler("names", "lists names", by, kind)
    program = ["QS: [names] Who?", "**QS:** (Foreach) [letters] #1", "[EOQ]"]
    llm = ScriptedLLM(script(program, lambda asked: "Kai; Ono"))
    answer = DecomposedPrompting(handlers=(*DEFAULT_HANDLERS, names)).run(Problem("?", kinds.Json()), llm)
    assert answer.steps["#2"] == [["K", "a", "i"], ["O", "n", "o"]]


def test_an_operation_goes_through_the_first_list_and_not_through_a_number() -> None:
    program = ["QS: [math] How many?", "QS: [split] Kai Ono", "QS: (foreach) [qa] Is #1 more than in #2?", "[EOQ]"]
    asked: list[str] = []

    def handled(question: str) -> str:
        asked.append(question)
        return "ans = 24" if "How many" in question else "The answer is yes."

    DecomposedPrompting().run(Problem("?", kinds.Json()), ScriptedLLM(script(program, handled)))
    assert len([one for one in asked if "more than" in one]) == 2


@pytest.mark.parametrize(("value", "why"), [({(1, 2): 3}, "TypeError"), ("#1", "no answer #1")])
def test_what_cannot_be_carried_out_is_unparsed(value: Any, why: str) -> None:
    pairs = Handler("pairs", "", lambda text: value)
    line = "QS: [pairs] #1" if value == "#1" else "QS: [pairs] x"
    answer = DecomposedPrompting(handlers=(*DEFAULT_HANDLERS, pairs)).run(
        Problem("Who is #10?"), ScriptedLLM(script([line, line]))
    )
    assert answer.state == "unparsed"
    assert why in answer.reason


def test_failed_calls_and_a_budget_that_ends_in_the_middle() -> None:
    assert run([CallFailed("lost")])[0].state == "failed"
    lost = ScriptedLLM(script([*PROGRAM], lambda asked: CallFailed("lost")))
    assert DecomposedPrompting().run(NAMES, lost).state == "failed"
    several = DecomposedPrompting(
        handlers=(*DEFAULT_HANDLERS[1:], Handler("qa", "", strategies.get("sc(cot(stages=1), samples=2)")))
    )
    assert several.run(NAMES, ScriptedLLM(script([*PROGRAM], lambda asked: CallFailed("lost")))).state == "failed"
    assert several.run(NAMES, ScriptedLLM(script([*PROGRAM], second_letter))).value == "a n"
    llm = ScriptedLLM(script([*PROGRAM], second_letter), max_n=1)
    answer = DecomposedPrompting().run(NAMES, llm, budget=Budget(calls=3))
    assert answer.state == "unparsed"
    assert "calls" in answer.reason
    assert answer.steps == {"#1": ["Kai", "Ono"]}
    assert answer.text == f'QC: {NAMES.question}\nQS: [split] Kai Ono\nA: ["Kai", "Ono"]'
    steps = Handler("steps", "", strategies.get("least_to_most(shots=0)"))
    handled = script(["QS: [split] Kai Ono", "QS: [steps] How?"], lambda asked: "1. When?")
    answer = DecomposedPrompting(handlers=(*DEFAULT_HANDLERS, steps)).run(
        NAMES, ScriptedLLM(handled), budget=Budget(calls=4)
    )
    assert answer.steps == {"#1": ["Kai", "Ono"]}  # and not those of the handler
    with pytest.raises(BudgetExhausted):
        DecomposedPrompting().run(NAMES, ScriptedLLM(script([*PROGRAM], second_letter), budget=Budget(calls=3)))


def test_it_can_be_wrapped() -> None:
    def reply(turns: tuple[Message, ...]) -> Reply:
        frame = frame_of(turns)
        return second_letter(turns[-1].content) if frame is None else PROGRAM[frame.count("QS:")]

    answer = strategies.get("sc(decomposed, samples=3)").run(NAMES, ScriptedLLM(reply))
    assert answer.value == "a n"
    assert answer.votes is not None
    assert answer.votes.valid == 3


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
@pytest.mark.model
def test_a_real_model_runs_to_the_end(smollm: Path) -> None:
    pytest.importorskip("xllamacpp")
    llm = connect(f"local:{smollm}", journal=False, max_tokens=8)
    strategy = strategies.get("decomposed(max_steps=2, max_asked=4, max_tokens=16)")
    answer = strategy.run(NAMES, llm)
    low, high = strategy.calls_range()
    assert low <= answer.usage.calls <= high
    assert answer.state in ("answered", "unparsed")
