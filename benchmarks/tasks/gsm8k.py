"""GSM8K's test problems, through `datasets`."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from reasoning.errors import InputError, MissingExtra
from reasoning.kinds import Number
from reasoning.problem import Example, Problem

_ANSWER = 5.0
"""Seconds within which the hub must answer; `datasets` itself would try for twenty and more."""


@dataclass(frozen=True)
class GSM8K:
    """1,319 grade-school word problems (Cobbe et al. 2021, arXiv 2110.14168), in the order of the data set.

    They are public since 2021: models may have seen them.

    Attributes:
        repository: on the hub, or a folder with a copy of it.
    """

    repository: str = "openai/gsm8k"

    name = "gsm8k"
    source = "openai/gsm8k on the Hugging Face hub, test split"
    licence = "MIT"
    seeded = False

    def version(self) -> str:
        return "main, test"

    def load(self, limit: int, seed: int) -> list[Example]:
        rows = self._rows(limit)
        return [
            Example(Problem(row["question"].strip(), Number(), id=f"gsm8k-{number:04d}"), _gold(row["answer"]))
            for number, row in enumerate(rows, 1)
        ]

    def _rows(self, limit: int) -> list[dict[str, Any]]:
        try:
            import datasets
        except ImportError as error:
            raise MissingExtra("the task gsm8k", "bench", f"datasets ({error})") from None
        offline = datasets.config.HF_HUB_OFFLINE
        if not os.path.isdir(self.repository) and not offline and (fault := _unreachable(datasets.config.HF_ENDPOINT)):
            raise InputError(_INSTEAD.format(fault=fault))
        try:
            split = datasets.load_dataset(self.repository, "main", split="test")
        except Exception as error:  # whatever the hub, the network or a damaged copy makes of it
            raise InputError(_INSTEAD.format(fault=f"{type(error).__name__}: {str(error)[:200]}")) from None
        return [dict(row) for row in split.select(range(min(limit, len(split))))]


_INSTEAD = (
    "gsm8k cannot be had from the Hugging Face hub ({fault}). Give a file instead: --task jsonl:test.jsonl, which is "
    "grade_school_math/data/test.jsonl of github.com/openai/grade-school-math; or set HF_HUB_OFFLINE=1 if it was "
    "fetched before"
)


def _gold(answer: str) -> str:
    return answer.rpartition("####")[2].strip()


def _unreachable(endpoint: str) -> str:
    """Why the hub does not answer within a few seconds; empty when it does."""
    try:
        urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=_ANSWER).close()
    except urllib.error.HTTPError:
        return ""  # it answered
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
    return ""
