"""A task of extraction: problems, treatments and tests in sentences in the style of clinical notes."""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from reasoning.errors import UnknownName
from reasoning.kinds import Spans
from reasoning.kinds.span_forms import Labels, read_markup
from reasoning.problem import Example, Problem

LABELS = ("problem", "treatment", "test")
QUESTION = "Mark every problem, treatment and test in this sentence of a clinical note."


@dataclass(frozen=True)
class ClinicalEntities:
    """60 sentences with problems, treatments and tests, in an order from the seed.

    The labels and the two F1 are those of Hu et al. 2024 (arXiv 2303.16416), whose notes may not be
    redistributed. `GUIDELINE` and `DEFINITIONS` describe how the sentences are marked, for the
    techniques that take such knowledge.

    Attributes:
        split: "train" (20 sentences), "development" (15) or "test" (25).
    """

    split: str = "test"

    name = "clinical_entities"
    kind = Spans.name
    scorer = "exactly the spans of the target; F1 is shown, too: exact, and relaxed, for which an overlap suffices"
    source = "sentences in the style of clinical notes, written for this library"
    licence = "Apache-2.0"
    canary = ""
    contamination = "part of this library, so later models may have seen it"
    seeded = True

    @property
    def size(self) -> int:
        return len(_data()["splits"][self.split])

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(_data()["splits"])

    def with_split(self, split: str) -> ClinicalEntities:
        """Return the task with another split.

        Raises:
            UnknownName: there is no such split.
        """
        if split not in self.splits:
            raise UnknownName("split", split, self.splits, f"of {self.name}")
        return replace(self, split=split)

    def version(self) -> str:
        return sha256(_text().encode()).hexdigest()[:12]

    def load(self, limit: int, seed: int) -> list[Example]:
        numbered = list(enumerate(_data()["splits"][self.split], 1))
        random.Random(f"{self.name} {self.split} {seed}").shuffle(numbered)
        return [self._example(number, marked) for number, marked in numbered[:limit]]

    def _example(self, number: int, marked: str) -> Example:
        sentence = read_markup(marked, Labels(LABELS)).text
        problem = Problem(QUESTION, Spans(LABELS), sentence, id=f"{self.name}-{self.split}-{number:02d}")
        return Example(problem, marked)


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(_text())


def _text() -> str:
    return (files("reasoning.benchmarks.tasks") / "clinical_entities.toml").read_text(encoding="utf-8")


CLINICAL_ENTITIES = ClinicalEntities()
GUIDELINE: str = _data()["guideline"].strip()
"""The rules by which the sentences are marked."""
DEFINITIONS: dict[str, str] = _data()["definitions"]
"""The definition of each label."""
