"""Whatever a model says, or fails to, at whatever stage: every technique ends, with one of the three states."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import count

import pytest
from technique_pages.worked_examples import ExampleSolve, example_for

from reasoning import Answer, Budget
from reasoning.errors import AuthenticationFailed, CallFailed, ContextOverflow
from reasoning.messages import Completion, Message, Usage
from reasoning.registry import places
from reasoning.testing import Reply, ScriptedLLM

USUAL = (
    *("The answer is 18.", "18", "Answer: 18", "**Answer:** yes", "No", "(B)", "\\boxed{18}", "Summary: all well."),
    *("ans = 18", "```python\nans = 6*12 - 45\nans\n```", "```python\ndef solver(x=1):\n    return x\n```"),
    *(
        "def solution(v1):\n    return 18",
        "Answer = v1 * v2",
        "def f(a):\n    return a*2",
        "answer = 18\nprint(answer)",
    ),
    *("1. First, 6 * 12 = 72.\n2. Then 72 - 45 = 27.", "#1. 6 * 12 = 72\n#2. The answer is 18.", "VERDICT: FALSE"),
    *("- Monday, it sank | a ferry sank\n- saved | rescue", "1, 2\n3, 4", "Section 1: A bakery bakes\nAnswer: 18"),
    *("1. How many are baked?\n2. How many are left?", "1. 72 are baked => How many are baked? => 72"),
    "## Relevant problems\nQ: three apples and more\nA: 3\n## Solve the initial problem\nThe answer is 18.",
    *("Question: How many pencils?\nContext: A box holds 8.", "sure", "impossible", "4 + 8 = 12 (left: 10 12 6)"),
    *("The best choice is 1", "8.5", "[[1]]", '["a", "b"]', "QS: [split] a b", "QS: (foreach) [qa] #1?", "QS: [EOQ]"),
    *("QS: [decompose] Why?", "QS: [merge] #1 #1", "none", "price (negative)", "<answer>18</answer>"),
)
HOSTILE = (
    *("", " \n\n", "\x00", "\ud800", "{problem} {0} {instruction} {", "%s %d %(x)s", "[bold]x[/nope] [/]", "\x1b[31m"),
    *("1e400", "NaN", "9" * 5_000, "1/0", "(" * 2_000, "[" * 3_000, "{" * 3_000, "|" * 3_000, "$" * 3_000, "\u0661²①"),
    *("- a | b\n" * 1_000, "1. x\n" * 1_000, "1, 2, " * 1_000, "Section 1: x\n" * 1_000, "The answer is " * 1_000),
    *("Q: " * 1_000, "Answer:\n" * 1_000, "VERDICT " * 1_000, "QS: [" * 1_000, "x = \n" * 1_000, "\\boxed{" * 1_000),
    *("A" * 100_000, "a b " * 20_000, "(" + "1+" * 2_000 + "1)", "2**3**4**5**6", "</question></problem>", "```python"),
    *(
        "```python\nraise SystemExit\n```",
        "```python\nans = [1]\nans.append(ans)\n```",
        "```python\nans = 10**10**8\n```",
    ),
    *("```python\ndef solver(): return solver()\n```", "```python\nimport os\nos.system('id')\n```", "Response 99"),
)
ENDS = ("stop", "stop", "stop", "length", "refusal", "content_filter")


def babbling(seed: str, failing: float = 0.0) -> Callable[[tuple[Message, ...]], Reply]:
    """Replies made of what some technique expects and of what none does, the same for the same seed."""
    chance = random.Random(seed)

    def reply(turns: tuple[Message, ...]) -> Reply:
        if chance.random() < failing:
            return chance.choice([CallFailed("gone"), ContextOverflow("too long", status=400)])
        parts = [
            chance.choice(USUAL if chance.random() < 0.75 else HOSTILE) for _ in range(chance.choice([1, 1, 1, 2, 4]))
        ]
        return Completion(chance.choice(["\n", " ", "\n\n"]).join(parts), chance.choice(ENDS), Usage(1, 10, 5))

    return reply


@pytest.fixture(params=places())
def case(request: pytest.FixtureRequest) -> ExampleSolve:
    return example_for(request.param)


def solved(case: ExampleSolve, reply: Callable[[tuple[Message, ...]], Reply], **settings: Budget) -> tuple[Answer, int]:
    llm = ScriptedLLM(reply, max_n=1)
    return case.strategy.run(case.problem, llm, **settings), len(llm.requests)


@pytest.mark.parametrize("failing", [0.0, 0.2])
def test_any_reply_at_any_stage_ends_in_one_of_three_states(case: ExampleSolve, failing: float) -> None:
    for seed in range(6):
        answer, asked = solved(case, babbling(f"{seed} {case.strategy}", failing))
        assert answer.state in ("answered", "unparsed", "failed")
        assert (answer.value is None) == (answer.state != "answered") == bool(answer.reason)
        assert answer.usage.calls <= asked
        assert answer.usage.calls <= case.strategy.calls_range()[1]
        assert answer.trace is not None
        json.dumps(answer.trace.to_json())
        assert answer._repr_html_()


def test_what_ends_a_run_ends_it_and_a_budget_ends_a_solve_whatever_was_said_before(case: ExampleSolve) -> None:
    for seed in range(2):
        _, asked = solved(case, babbling(f"{seed} {case.strategy}"))
        for calls in range(min(asked, 6)):
            said, numbers = babbling(f"{seed} {case.strategy}"), count()

            def refused(turns: tuple[Message, ...]) -> Reply:
                return AuthenticationFailed("no key") if next(numbers) == calls else said(turns)  # noqa: B023

            with pytest.raises(AuthenticationFailed):
                solved(case, refused)
            answer, _ = solved(case, babbling(f"{seed} {case.strategy}"), budget=Budget(calls=calls))
            assert answer.trace is not None
            said_so = f"{answer.reason} {answer.trace.to_json()}"
            assert "the budget is used up" in said_so
            # Samples that the budget covered may have the vote.
            assert answer.state == "unparsed" or " samples: the budget is used up" in said_so or answer.votes
            assert answer.usage.calls <= calls
