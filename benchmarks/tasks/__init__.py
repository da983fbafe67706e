"""Tasks: sources of problems with known answers, named by a word such as `gsm_symbolic` or `jsonl:FILE`."""

from __future__ import annotations

from benchmarks.tasks.task import Task
from reasoning.errors import UnknownName, UsageError

__all__ = ["Task", "get"]

_FORMS = ("gsm8k", "gsm_symbolic", "gym:NAME", "jsonl:FILE", "replay:FILE")


def get(name: str | Task) -> Task:
    """A task by its name: `gsm8k`, `gsm_symbolic`, `gym:NAME`, `jsonl:FILE` or `replay:FILE`. Loads no problem yet.

    Raises:
        UnknownName: no such task; gives the nearest one.
        InputError: the file does not exist.
    """
    if not isinstance(name, str):
        return name
    form, colon, rest = name.strip().partition(":")
    if colon and not rest:
        raise UsageError(f"the task {name!r} is not complete: write {_complete(form)}")
    match form:
        case "gsm8k" if not colon:
            from benchmarks.tasks.gsm8k import GSM8K

            return GSM8K()
        case "gsm_symbolic" if not colon:
            from benchmarks.tasks.gym import GSM_SYMBOLIC

            return GSM_SYMBOLIC
        case "gym" if colon:
            from benchmarks.tasks.gym import Gym

            return Gym(rest)
        case "jsonl" if colon:
            from benchmarks.tasks.files import Jsonl

            return Jsonl(rest)
        case "replay" if colon:
            from benchmarks.tasks.files import Recorded

            return Recorded(rest)
    raise UnknownName("task", name, _FORMS)


def _complete(form: str) -> str:
    return next((known for known in _FORMS if known.startswith(f"{form}:")), " or ".join(_FORMS))
