"""The stages of chain of thought, plan-and-solve and thread of thought: how chat models state answers in them."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.errors import UnknownName, UsageError
from reasoning.messages import Completion
from reasoning.strategies.thought import plan_and_solve as ps
from reasoning.strategies.thought.thread_of_thought import PAPER_WALK
from reasoning.testing import ScriptedLLM

TANK = Problem("A tank of 90 litres loses 4 litres an hour. How much is in it after 5 hours?", kinds.Number())
FRUIT = Problem("Which fruit is it?", options=["an apple", "a pear"])
WET = Problem("Is it wet?", kinds.YesNo())
CITY = Problem("Where was the press founded?", context="Passage 1: machines.\nPassage 2: The press began in Brno.")

WORKED = "### Plan\n1. Find it.\n2. Subtract it.\n\n### Step 1\n\\[ 5 \\times 4 = 20 \\]\n\n### Step 2\n90 - 20 = 70\n"
STATED = [
    "The answer is **70 litres**.",
    "**Answer:** 70",
    "### Answer\n70",
    "**Final answer**: $70$ L",
    "\\[ \\boxed{70} \\]",
    "Therefore, the answer (arabic numerals) is 70.",
    "So, the final answer is:\n\n**70 litres**",
    "#### 70",
    "Answer：７０",
    '```json\n{"answer": 70}\n```',
    "The answer is 70 litres.\n\nLet me know if you have any questions!",
]


@pytest.mark.parametrize("spec", ["cot", "plan_and_solve", "cot(stages=1)", "plan_and_solve(wording='paper')"])
@pytest.mark.parametrize("stated", STATED)
def test_a_stated_answer_costs_no_second_call(spec: str, stated: str) -> None:
    llm = ScriptedLLM([WORKED + stated])
    assert strategies.get(spec).run(TANK, llm).value == 70
    assert llm.calls == 1


@pytest.mark.parametrize("spec", ["cot", "plan_and_solve"])
@pytest.mark.parametrize(
    "reasoning",
    [
        WORKED,
        f"{WORKED}So 70 litres are left.",
        "1. Find the loss.\n2. Subtract it.\n\nShall I carry out the plan?",
        "The plan is complete. The answer will be worked out next.",
        Completion(WORKED + "The answer is 7", finish_reason="length"),
    ],
)
def test_reasoning_without_a_stated_answer_gets_the_answer_stage(spec: str, reasoning: str | Completion) -> None:
    llm = ScriptedLLM([reasoning, "70"])
    assert strategies.get(spec).run(TANK, llm).value == 70
    assert llm.calls == 2


ANSWERS = [
    (TANK, "70", 70),
    (TANK, "70 litres.", 70),
    (TANK, "**70**", 70),
    (TANK, "\\boxed{70}", 70),
    (TANK, "$70$", 70),
    (TANK, "７０", 70),
    (TANK, "Therefore, the answer (arabic numerals) is 70.", 70),
    (TANK, "90 - 5 × 4 = 90 - 20 = 70", 70),
    (TANK, "Sure! The answer is 70.", 70),
    (TANK, "seventy", 70),
    (TANK, "I cannot determine this.", None),
    (TANK, "between 60 and 70", None),
    (TANK, "I'm sorry, but I can't help with that.", None),
    (FRUIT, "B", "B"),
    (FRUIT, "**(B)** a pear", "B"),
    (FRUIT, "(B)", "B"),
    (FRUIT, "B. a pear", "B"),
    (FRUIT, "a pear.", "B"),
    (FRUIT, "Option B", "B"),
    (FRUIT, "\\boxed{B}", "B"),
    (FRUIT, "A or B", None),
    (FRUIT, "C", None),
    (FRUIT, "None of them.", None),
    (WET, "**Yes**", True),
    (WET, "Yes, it is wet.", True),
    (WET, "no.", False),
    (WET, "yes and no", None),
]


@pytest.mark.parametrize("spec", ["cot", "plan_and_solve", "thread_of_thought"])
@pytest.mark.parametrize(("problem", "reply", "value"), ANSWERS)
def test_the_answer_stage_is_read(spec: str, problem: Problem, reply: str, value: object) -> None:
    llm = ScriptedLLM(["I looked at all parts of it.", reply])
    assert strategies.get(spec).run(problem, llm).value == value
    assert llm.calls == 2


@pytest.mark.parametrize(
    "notes",
    [
        "| Passage | Summary |\n|---|---|\n| 1 | machines |\n| 2 | the press began in Brno |",
        "### Passage 1\n- machines\n\n### Passage 2\n- The press began in **Brno**.",
        "Sure! Here is the walk-through.\n\n**Passage 1:** machines.\n**Passage 2:** Brno.\n\nThe answer is Prague?",
    ],
)
@pytest.mark.parametrize(
    "reply", ["Brno", "Brno.", "**Brno**", "Therefore, the answer is Brno.", "Answer: Brno", "“Brno”"]
)
def test_notes_in_any_form_reach_the_answer_stage_word_for_word(notes: str, reply: str) -> None:
    llm = ScriptedLLM([notes, reply])
    answer = strategies.get("thread_of_thought").run(CITY, llm)
    assert CITY.kind.same(answer.value, "Brno")
    assert llm.requests[1].messages[-2] == ("assistant", notes)


@pytest.mark.parametrize(
    ("spec", "problem", "sentence"),
    [
        ("plan_and_solve(wording='paper')", TANK, ps.PAPER_PLUS.recap),
        ("plan_and_solve(wording='paper')", WET, ps.PAPER_FACTS.recap),
        ("plan_and_solve(wording='paper')", Problem("Who?"), ps.PAPER_PLAN.recap),
        ("plan_and_solve(plus=False, wording='paper')", TANK, ps.PAPER_PLAN.recap),
        ("plan_and_solve(form='letters', wording='paper')", Problem("Join."), ps.PAPER_LETTERS.recap),
        ("plan_and_solve(form='states', wording='paper')", WET, ps.PAPER_STATES.recap),
        ("plan_and_solve(form='numbers')", WET, ps.PLAN_PLUS.recap),
        ("plan_and_solve(form='facts')", TANK, ps.PLAN_FACTS.recap),
        ("plan_and_solve(form='letters')", Problem("Join."), ps.PLAN_LETTERS.recap),
        ("plan_and_solve(form='states')", WET, ps.PLAN_STATES.recap),
        ("thread_of_thought(wording='paper')", CITY, PAPER_WALK.recap),
    ],
)
def test_the_papers_sentence_and_each_form_are_one_parameter_away(spec: str, problem: Problem, sentence: str) -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 1.")
    strategy = strategies.get(spec)
    strategy.run(problem, llm)
    assert llm.prompts[0].endswith(sentence)
    assert repr(strategy) == spec


def test_the_papers_sentences_are_those_of_the_papers() -> None:
    assert ps.PAPER_PLAN.recap.startswith("Let's first understand the problem and devise a plan")
    for part in ("extract relevant variables", "calculate intermediate variables", "show the answer"):
        assert part in ps.PAPER_PLUS.recap
    assert "commonsense and logical coherence" in ps.PAPER_FACTS.recap
    assert "the coin's last state" in ps.PAPER_STATES.recap
    assert PAPER_WALK.recap.startswith("Walk me through this context in manageable parts step by step")


def test_a_form_without_plus_and_unknown_words_are_refused() -> None:
    with pytest.raises(UsageError, match="only PS\\+ has the form 'letters', got plus=False"):
        strategies.get("plan_and_solve(plus=False, form='letters')")
    with pytest.raises(UnknownName, match="did you mean 'paper'"):
        strategies.get("plan_and_solve(wording='papers')")
