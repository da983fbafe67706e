"""The common part of a labelling and a distillation: the acceptance rate, the display and the file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from reasoning.benchmarks.statistics import wilson
from reasoning.errors import ReasoningError
from reasoning.messages import Usage
from reasoning.tables import render_text
from reasoning.tuning.examples.example_file import ExampleFile, write_examples

LOW_RATE = 0.2
"""The acceptance rate below which the teacher's prompt should be mended first."""


class ExampleMaking(ABC):
    """The making of a file of training examples.

    Attributes:
        path: the file.
        usage: the usage of all draws, whether new or from the journal.
        spent: the usage of the draws that were made now.
        stopped: the error that ended it early, if any.
    """

    path: Path
    stopped: ReasoningError | None

    if TYPE_CHECKING:
        # For type checkers only: a property would hide the subclass's field with the same name.

        @property
        def usage(self) -> Usage: ...

        @property
        def spent(self) -> Usage: ...

    @property
    @abstractmethod
    def accepted(self) -> tuple[int, int]:
        """The inputs that got an example, and those that were judged."""

    @property
    @abstractmethod
    def reasons(self) -> list[tuple[str, int]]:
        """The most frequent reasons of refusals with their numbers, at most three."""

    @property
    @abstractmethod
    def content(self) -> ExampleFile:
        """The content of the file."""

    @property
    def acceptance(self) -> tuple[int, int, tuple[float, float]]:
        """The inputs that got an example, those that were judged, and the 95 % Wilson interval of their share."""
        kept, judged = self.accepted
        return kept, judged, wilson(kept, judged) if judged else (0.0, 1.0)

    @property
    def rate_is_low(self) -> bool:
        """True if the share of accepted inputs is below `LOW_RATE`."""
        kept, judged = self.accepted
        return judged > 0 and kept < LOW_RATE * judged

    def __repr__(self) -> str:
        from reasoning.tuning.examples.labelling_report import describe

        return render_text(describe(self))

    def _repr_html_(self) -> str:
        from reasoning.tuning.examples.labelling_report import describe

        return describe(self).to_html()

    def save(self) -> None:
        """Write the file in the order of the inputs, with its counts.

        Raises:
            InputError: the file cannot be written.
        """
        write_examples(self.path, self.content)
