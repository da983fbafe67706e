"""Transcripts of the first hour: their form, and the quick one is what a user sees now."""

from __future__ import annotations

import urllib.request

import pytest
from first_hour.server import serve
from first_hour.transcript import FOLDER, replay

NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))


def test_there_are_four_users() -> None:
    assert NAMES == ["developer", "hostile", "researcher", "student"]


@pytest.mark.parametrize("name", NAMES)
def test_a_transcript_shows_nothing_of_one_machine(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert "Traceback" not in text
    assert "/tmp/" not in text
    assert text.count("\n$ ") + text.count("\nIn: ") > 1


def test_commands_run_again_and_what_varies_is_replaced() -> None:
    transcript = "Two files.\n\n$ echo one > a\n$ ls\n    old\n$ printf 'x\\n\\ny\\n'; date +%F; exit 3\n"
    assert replay(transcript) == (
        "Two files.\n\n$ echo one > a\n$ ls\n    a\n$ printf 'x\\n\\ny\\n'; date +%F; exit 3\n"
        "    x\n    .\n    y\n    DATE\n    exit code 3\n"
    )


def test_cells_run_in_one_kernel_and_their_outputs_are_text() -> None:
    transcript = (
        "In: import sys\n> print('a')\n> sys.argv[0].rpartition('/')[2]\n\n$ echo b > c\n\n"
        "In: x = 2\n    old\n\nIn: open('c').read(), x\n"
    )
    assert replay(transcript) == (
        "In: import sys\n> print('a')\n> sys.argv[0].rpartition('/')[2]\n    a\n    'ipykernel_launcher.py'\n\n"
        "$ echo b > c\n\nIn: x = 2\n\nIn: open('c').read(), x\n    ('b\\n', 2)\n"
    )


def test_a_cell_that_fails_shows_its_error_and_the_next_one_runs() -> None:
    shown = replay("In: 1 / 0\n\nIn: 1 + 1\n")
    assert "    ZeroDivisionError: division by zero\n" in shown
    assert shown.endswith("In: 1 + 1\n    2\n")


def test_the_student_works_in_a_notebook() -> None:
    assert (FOLDER / "student.txt").read_text(encoding="utf-8").count("\nIn: ") > 3


def test_the_server_gives_the_same_replies_in_every_run() -> None:
    with serve() as url, urllib.request.urlopen(f"{url}/models") as reply:
        assert b"adder" in reply.read()


def test_a_hostile_user_is_told_what_is_wrong_as_recorded() -> None:
    recorded = (FOLDER / "hostile.txt").read_text(encoding="utf-8")
    assert replay(recorded) == recorded
