"""The memory of each method of training on examples, and what fits into the memory that is free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.errors import InputError
from reasoning.tables import pluralize, render_text
from reasoning.tuning.examples.example_file import ExampleFile, to_example_file
from reasoning.tuning.training.child_runner import Progress
from reasoning.tuning.training.notebook_bar import notebook_bar
from reasoning.tuning.training.request import NO_EXAMPLES

if TYPE_CHECKING:
    from reasoning.tables import Document
    from reasoning.tuning.training.memory import MemoryEstimate


@dataclass(frozen=True, repr=False)
class MemoryTable:
    """Estimates of the memory of trainings. Print it, or let a notebook show it.

    Attributes:
        model: the name of the base.
        examples: the number of examples.
        longest_example: the tokens of the longest one, with its reply.
        available: the bytes of memory that were free.
        estimates: the estimates by method, and by bits of the weights.
    """

    model: str
    examples: int
    longest_example: int
    available: int
    estimates: tuple[MemoryEstimate, ...]

    def __repr__(self) -> str:
        return render_text(self.to_document())

    def _repr_html_(self) -> str:
        return self.to_document().to_html()

    def to_document(self) -> Document:
        """Return the estimates as a table with a title and a note."""
        from reasoning.tables import Document, Table
        from reasoning.tuning.training.memory import ERROR

        header = (
            *("method", "fits", "memory GB", "range GB"),
            *("trained", "weights GB", "training GB", "activations GB"),
        )
        rows = [
            (
                f"{one.method}, {one.bits} bits" if one.bits < 32 else one.method,
                self.fits(one),
                f"{one.total / 1e9:.1f}",
                f"{one.least / 1e9:.1f}–{one.most / 1e9:.1f}",
                f"{one.trained_parameters:,}",
                f"{one.weights / 1e9:.2f}",
                f"{one.states / 1e9:.2f}",
                f"{one.working / 1e9:.2f}",
            )
            for one in self.estimates
        ]
        title = (
            f"{self.model}, {pluralize(self.examples, 'example')} of at most {self.longest_example:,} tokens; "
            f"{self.available / 1e9:.1f} GB are free"
        )
        note = (
            f"The error is ±{ERROR:.0%}. A row fits if its memory is free, and tightly if only the lower part of its "
            "range is. A smaller --batch takes fewer activations."
        )
        if any(one.is_largest_at_start for one in self.estimates):
            note += " Where the parts add up to less, reading and casting the weights takes most."
        if any(one.bits in (8, 2) for one in self.estimates):
            note += " Weights of 8 and 2 bits are not trained by this version: their rows tell what they would take."
        return Document([title, Table(header, rows, text_columns=2), note])

    def to_json(self) -> dict[str, Any]:
        """Return plain data, in bytes."""
        return {
            "model": self.model,
            "examples": self.examples,
            "longest_example": self.longest_example,
            "available": self.available,
            "estimates": [
                {
                    "method": one.method,
                    "bits": one.bits,
                    "bytes": round(one.total),
                    "low": round(one.least),
                    "high": round(one.most),
                    "trained_parameters": one.trained_parameters,
                    "fits": self.fits(one),
                }
                for one in self.estimates
            ],
        }

    def fits(self, one: MemoryEstimate) -> str:
        """Return whether an estimate fits into the free memory: "yes", "tightly" or "no"."""
        return "yes" if one.most <= self.available else "tightly" if one.total <= self.available else "no"


def estimate(
    examples: ExampleFile | str | Path,
    model: str,
    *,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> MemoryTable:
    """Estimate the memory that training on examples will take, for each method, like `reasoning tune estimate`.

    Nothing is trained and no weights are loaded: the longest batch passes through the model without
    numbers. A measured peak differs from the estimate by at most a quarter.

    Args:
        examples: the examples, or the path of their file.
        model: the base, such as "local:smollm2-135m".
        settings: settings of the methods that have them, such as `{"batch": 2}`.
        progress: called with what is done, the total, and a description. By default a notebook shows it.

    Raises:
        UsageError: a setting is unknown or not valid.
        MissingExtra: a library is not installed.
        InputError: there is no example, or none is short enough.
    """
    from reasoning.providers.torch.base_model import check_installed, convert_base, find_base

    check_installed()
    examples = to_example_file(examples)
    if not examples.examples:
        raise InputError(NO_EXAMPLES)
    given = dict(settings or {})
    _check_settings(given)
    with notebook_bar(progress) as report:
        base = find_base(model, report)
        folder = convert_base(base, report)
        report(0, 0, "tokenising the examples")
        # Libraries that take a second to load.
        from reasoning.tuning.training.memory import available_memory, estimate_all
        from reasoning.tuning.training.tokens import open_tokenizer, tokenize, try_frozen_prefix

        with open_tokenizer(base, "llama.cpp") as tokenizer:
            tokenized, _ = tokenize(examples.examples, tokenizer, int(given.get("max_tokens", 2048)))
            prefix = try_frozen_prefix(tokenized, tokenizer.controls)
        report(0, 0, "adding up the memory")
        found = estimate_all(folder, tokenized, given, prefix)
    longest = max(len(one.prompt) + len(one.reply) for one in tokenized)
    return MemoryTable(base.name, len(tokenized), longest, available_memory(), tuple(found))


def _check_settings(given: Mapping[str, Any]) -> None:
    """Raise an error if no method has a setting, or a value is not valid."""
    from reasoning.errors import UnknownName
    from reasoning.tuning.training.methods import METHODS

    known = {name: card for card in METHODS.values() for name in card.to_settings({})}
    for name, value in given.items():
        if name not in known:
            raise UnknownName("setting", name, known)
        known[name].to_settings({name: value})
