"""Recorded replies of real models, parsed again: the same answers as their authors', or a cause for each difference."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.replay import causes
from tests.replay.lines import FOLDER, first_number
from tests.replay.make import MARKS, stored
from tests.replay.page import PAGE
from tests.replay.recordings import RECORDINGS
from tests.replay.summary import FIRST, golden, summary, text

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="no recordings next to the checkout")
BY_NAME = {recording.name: recording for recording in RECORDINGS}
GSM8K = ["faithful_gsm8k_codex_cot", "faithful_gsm8k_codex_ltm"]
SAME = ["faithful_aqua_codex_cot", "faithful_strategyqa_codex_cot", "faithful_date_codex_cot", "bbh_cot_mc"]


@cache
def figures(name: str) -> dict[str, Any]:
    return summary(BY_NAME[name])


@pytest.mark.parametrize("name", BY_NAME)
def test_the_figures_are_those_of_the_golden_file(name: str) -> None:
    assert text(figures(name)) == golden(name), "python -m tests.replay.make prints the difference and writes it"


@pytest.mark.parametrize("name", BY_NAME)
def test_every_difference_has_a_cause(name: str) -> None:
    assert not [cause for cause in figures(name)["differences"] if cause.startswith("not explained")]


@pytest.mark.parametrize("name", GSM8K)
def test_stated_numbers(name: str) -> None:
    found = figures(name)
    assert found["same answer with the authors' rule on our statement, %"] >= 99.5
    accuracy = found["accuracy, %"]
    assert accuracy[FIRST] == pytest.approx(accuracy["stored"], abs=0.2)
    unparsed = found["replies that the authors did not parse"]
    assert unparsed["without a stated answer for us"] >= 0.95 * unparsed["replies"]


@pytest.mark.parametrize("name", GSM8K)
def test_the_authors_rules_are_described_correctly(name: str) -> None:
    """Their verdicts follow from their first number without sign and decimals, as the causes state."""
    for sample in BY_NAME[name].samples():
        number = first_number(sample.recorded or "")
        assert sample.counted == (number is not None and abs(int(number)) == sample.reference), sample.id


@pytest.mark.parametrize("name", SAME)
def test_stated_labels_words_and_texts(name: str) -> None:
    found = figures(name)
    assert found["same answer or both without one, %"] >= 99
    assert found["accuracy, %"]["ours"] == pytest.approx(found["accuracy, %"]["stored"], abs=0.3)


def test_unparsed_samples_do_not_vote() -> None:
    votes = figures("verifycot_date_sc10")["vote, %"]
    assert votes["recorded answers"] == 72.49
    assert votes["recorded answers, with votes of unparsed replies"] == pytest.approx(70.3, abs=0.05)
    assert votes["our answers"] == pytest.approx(72.49, abs=0.3)


@pytest.mark.parametrize("name", ["zeroeval_gsm8k_gpt-35-turbo-0125", "openai_gsm8k_175b_verification"])
def test_json_and_calculator_marks(name: str) -> None:
    accuracy = figures(name)["accuracy, %"]
    assert accuracy["ours"] == pytest.approx(accuracy["stored"], abs=0.2)


def test_the_page_shows_these_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.partition(MARKS[0])[2].partition(MARKS[1])[0] == stored()


def test_causes_are_named_once() -> None:
    named = {recording.name: [causes.name(cause) for cause in recording.causes] for recording in RECORDINGS}
    assert all(len(names) == len(set(names)) and all(names) for names in named.values())
