"""A last candidate that only repeats a number of the question gives way to another number of its sentence."""

from __future__ import annotations

import pytest

from reasoning import Problem
from reasoning.kinds import Number, Region
from reasoning.messages import Completion

SHRIMPS = "Olivia peels 6 shrimps in 8 seconds. How long does it take her to peel and saute 720 shrimps?"


def parse(question: str, reply: str, kind: Number | None = None) -> object:
    return getattr(Problem(question, kind or Number()).parse(reply), "value", None)


@pytest.mark.parametrize(
    ("question", "reply", "value"),
    [
        (SHRIMPS, "It will take Olivia 16 minutes to peel and saute 720 shrimps.", 16),
        ("How many minutes does it take to blink 459 times?", "It takes 459 / 51 = 9 minutes to blink 459 times.", 9),
        ("How tall is it after 3 weeks?", "It was 2 + 4 + 4 = 10 inches.\nThat is 10 inches tall after 3 weeks.", 10),
        ("How much will she pay for 3 months?", "She pays $85 each month, $255 in total for 3 months", 255),
        ("How many shows of 45 minutes did he see?", "So he saw **4** shows\nof the day, 4 of 45 minutes", 4),
        ("How far does he get in two hours?", "He gets 50 miles far in 2 hours.", 50),
        ("How many of the 1,200 are left?", "Exactly 35 birds stay of 1200.", 35),
    ],
)
def test_a_repeated_number_gives_way(question: str, reply: str, value: object) -> None:
    assert parse(question, reply) == value


@pytest.mark.parametrize(
    ("question", "reply", "value"),
    [
        # Stated, boxed, on a line of its own, bold.
        (SHRIMPS, "She needs 16 minutes. The answer is 720.", 720),
        (SHRIMPS, "She needs 16 minutes: \\boxed{720}", 720),
        (SHRIMPS, "She needs 16 minutes.\n720", 720),
        (SHRIMPS, "She needs 16 minutes to peel **720** shrimps", 720),
        # A result, and the object of a verb, may equal a number of the question.
        ("She has 8 of 12 eggs. How many does she lose after 4?", "She loses 4, and 12 - 4 = 8 eggs", 8),
        ("He had 8 flowers and got 4, then gave 4 away. How many now?", "After giving away 4 of 12 there are 8 now", 8),
        # Nothing else is in the sentence.
        ("He has 7 pens. How many?", "First he lost 3 and found 3. He keeps all 7 of them", 7),
        ("He has 7 of 9 pens. How many?", "Of the 9 pens, 7 or so", 7),
        # The last number is new.
        (SHRIMPS, "For 720 shrimps about 16 minutes or so", 16),
    ],
)
def test_everything_else_stays(question: str, reply: str, value: object) -> None:
    assert parse(question, reply) == value


def test_the_kind_alone_knows_no_question() -> None:
    assert Number().parse_reply("It takes 16 minutes to peel 720 shrimps.") == (720, "last candidate")


def test_the_new_number_is_in_the_unit_of_the_kind_and_in_the_region() -> None:
    problem = Problem("How much of the 80 is left?", Number(percent=True))
    assert parse(problem.question, "Some 25% remain of 80 or so", problem.kind) == 0.25  # type: ignore[arg-type]
    answer = problem.parse("Some 25% of 80 or so. END 7 of 80 or so", region=Region(before="END"))
    assert getattr(answer, "value", None) == 0.25


def test_a_reply_that_was_cut_off_still_has_no_last_candidate() -> None:
    reply = Completion("It takes 16 minutes to peel 720 shrimps and", finish_reason="length")
    assert not hasattr(Problem(SHRIMPS, Number()).parse(reply), "rule")


def test_long_questions_and_replies_take_linear_time() -> None:
    text = "In 12 and two hours 1,234 = 5 of 6 birds " * 20_000
    assert parse(text, f"{text} 7 of 6 birds or so") is not None
