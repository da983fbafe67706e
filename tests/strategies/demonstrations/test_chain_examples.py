"""Chains of thought as today's models write them, as the reasoning of a demonstration."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.errors import SpecError
from reasoning.messages import Completion
from reasoning.strategies.demonstrations.chain_examples import chain_fault, flatten_chain
from reasoning.strategies.demonstrations.worked_example import SolvedStep, WorkedExample

PENS = Problem("A box holds 8 pens. Ann buys 3 boxes and loses 4 pens. How many are left?", kinds.Number())
LATEX = (
    "To find how many are left, we need to follow these steps:\n\n"
    "1. First, we multiply:\n   \\[\n   3 \\times 8 = 24\n   \\]\n\n"
    "2. Then we subtract:\n   \\[ 24 - 4 = 20 \\]\n\nTherefore, \\(\\boxed{20}\\) pens are left."
)


@pytest.mark.parametrize(
    ("chain", "flat"),
    [
        ("3 * 8 = 24. 24 - 4 = 20. The answer is 20.", "3 * 8 = 24. 24 - 4 = 20."),
        ("Sure! Here it is:\n\n- **Boxes**: 3 * 8 = 24\n- 24 - 4 = 20\n\n**Answer: 20**", None),
        ("### Step 1: Boxes\n3 * 8 = 24 pens\n### Step 2\n24 - 4 = 20 pens\n\n#### 20", None),
        ("> 3 * 8 = 24\n> 24 - 4 = 20\n\nSo the final answer is 20.", "3 * 8 = 24. 24 - 4 = 20."),
        ("$$\n3 \\cdot 8 = 24\n$$\nHence 24 - 4 = 20", "$$ 3 \\cdot 8 = 24 $$ Hence 24 - 4 = 20."),
        ("三箱に24本あります。\n残りは20本です。", "三箱に24本あります。 残りは20本です。"),
        ("---\n***\n", ""),
        ("The answer is 20.", ""),
        ("", ""),
    ],
)
def test_a_chain_becomes_one_line_without_the_sentence_that_states_the_answer(chain: str, flat: str | None) -> None:
    found = flatten_chain(chain)
    assert "\n" not in found
    assert not any(mark in found for mark in ("**", "###", "answer is", "Answer:"))
    assert flat is None or found == flat
    assert flat is not None or ("3 * 8 = 24" in found and "24 - 4 = 20" in found)


def test_formulas_belong_to_the_lines_above_them_when_steps_are_counted() -> None:
    answer = PENS.parse(LATEX)
    assert chain_fault(PENS, Completion(LATEX), answer, 3) is None
    assert "more than 2 steps" in (chain_fault(PENS, Completion(LATEX), answer, 2) or "")
    aligned = "So:\n\\begin{align}\n3 \\cdot 8 &= 24 \\\\\n24 - 4 &= 20\n\\end{align}\nThat makes 20."
    assert chain_fault(PENS, Completion(aligned), PENS.parse(aligned), 2) is None


@pytest.mark.parametrize(
    ("chain", "fault"),
    [
        ("24 - 4 makes twenty, which is 20.", None),
        ("So \\(\\boxed{20}\\) are left.", None),
        ("It is 1,000 - 980 = 20.0 pens.", None),
        ("We get 20 of them. But then again there may be some others that were lost on the way home too.", "not end"),
        ("20 * " * 100_000, "steps"),
        ("\\[ " * 30_000, "steps"),
    ],
)
def test_a_chain_for_a_number_ends_with_its_answer(chain: str, fault: str | None) -> None:
    answer = PENS.parse("The answer is 20.")
    found = chain_fault(PENS, Completion(chain), answer, 5)
    assert (found is None) == (fault is None), found
    assert fault is None or fault in (found or "")


def test_a_worked_example_in_a_spec_has_texts_and_lists() -> None:
    spec = "cot(shots=1, demonstrations=(WorkedExample('Q?', 'A', options=['A', 'B'], steps=(SolvedStep('Q', 'A'),)),))"
    (example,) = strategies.get(spec).demonstrations  # type: ignore[attr-defined]
    assert example == WorkedExample("Q?", "A", options=("A", "B"), steps=(SolvedStep("Q", "A"),))
    assert strategies.get(repr(strategies.get(spec))) == strategies.get(spec)
    for wrong in ("WorkedExample('Q?', 4)", "WorkedExample('Q?', 'A', options='AB')"):
        with pytest.raises(SpecError, match=r"of a worked example must be a (text|list)"):
            strategies.get(f"cot(shots=1, demonstrations=({wrong},))")
