"""GSM-IC: base problems, and variants that differ in one irrelevant sentence."""

from __future__ import annotations

import re

import pytest

from reasoning.benchmarks import tasks
from reasoning.benchmarks.tasks.irrelevant_context import _TEMPLATES, GSM_IC

FACTORS = {
    f"-{topic}-{role}-{size}"
    for topic in ("in_topic", "off_topic")
    for role in ("same_role", "other_role")
    for size in ("in_range", "out_of_range")
}


@pytest.mark.parametrize("seed", range(8))
def test_a_variant_is_its_base_problem_with_one_sentence(seed: int) -> None:
    examples = tasks.get("gsm_ic").load(9 * 30, seed)
    assert examples[:50] == GSM_IC.load(50, seed) != GSM_IC.load(50, seed + 1)
    for at in range(0, len(examples), 9):
        base, *variants = examples[at : at + 9]
        assert base.problem.id == base.family
        assert {str(one.problem.id).removeprefix(base.family) for one in variants} == FACTORS
        head, question = base.problem.question.rsplit(". ", 1)
        name = next(word for word in re.findall(r"[A-Z]\w+", question)) if " " in question else ""
        numbers = set(map(int, re.findall(r"\d+", base.problem.question)))
        for variant in variants:
            assert (variant.family, variant.target) == (base.family, base.target)
            text = variant.problem.question
            assert text.startswith(f"{head}. ")
            assert text.endswith(f" {question}")
            added = text[len(head) + 2 : -len(question) - 1]
            assert added.count(".") == 1
            [number] = map(int, re.findall(r"\d+", added))
            assert number not in numbers
            assert number != int(base.target)
            if "out_of_range" in str(variant.problem.id):
                assert number >= 20 * max(numbers)
            else:
                assert number <= max(numbers) + 2
            own = re.findall(r"\bof ([A-Z]\w+)\b", added)
            assert bool(own and own[0] in head) is ("same_role" in str(variant.problem.id)), (added, name)


def test_each_template_is_solved_for_all_its_numbers() -> None:
    """The answers are whole, positive and more than one step away."""
    for template in _TEMPLATES:
        for pick in (min, max):
            assert template.answer(**{word: pick(values) for word, values in template.numbers.items()}) > 0
        assert len(template.numbers) >= 2
        placeholders = set(re.findall(r"\{(\w+)\}", template.story + template.question))
        assert placeholders == {"name", *template.numbers}
        for sentence in template.in_topic:
            assert set(re.findall(r"\{(\w+)\}", sentence)) == {"role", "number"}


def test_every_template_is_used_before_any_comes_again() -> None:
    bases = [one for one in GSM_IC.load(9 * len(_TEMPLATES), 1) if one.problem.id == one.family]
    words = {re.sub(r"\d+|[A-Z]\w+", "", one.problem.question) for one in bases}
    assert len(words) == len(_TEMPLATES)


@pytest.mark.parametrize(
    ("beginning", "answer"),
    [
        (r"(\w+) saves (\d+) dollars a week for (\d+) weeks", lambda saved, weeks: saved * weeks / 2),
        (r"A farm has (\d+) cows and (\d+) times.* gives (\d+)", lambda cows, times, wool: cows * times * wool),
        (r"(\w+) picks (\d+) baskets of apples with (\d+) .* bags of (\d+)", lambda b, a, bag: b * a / 3 * 2 / bag),
        (r"(\w+) drives (\d+) kilometres .* needs (\d+) litres", lambda first, litres: 3 * first / 10 * litres),
    ],
)
def test_answers_by_another_calculation(beginning: str, answer: object) -> None:
    checked = 0
    for example in GSM_IC.load(9 * 40, 5):
        if example.problem.id == example.family and (match := re.match(beginning, example.problem.question)):
            numbers = [int(one) for one in match.groups() if one.isdecimal()]
            assert answer(*numbers) == int(example.target)  # type: ignore[operator]
            checked += 1
    assert checked >= 2
