"""What is asked: a problem, and an example (a problem with its target, which no strategy ever sees)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reasoning.answer import Answered, Unparsed
from reasoning.errors import UsageError
from reasoning.kinds import Choice, Kind, Region, Text
from reasoning.kinds.code import Code
from reasoning.messages import Completion


@dataclass(frozen=True)
class Problem:
    """A question and the kind of answer that it wants.

    Attributes:
        question: the question itself.
        kind: how answers are stated, read and compared.
        context: a passage that the question is about.
        options: texts to choose from; given these and no kind, the kind is `Choice(options)`.
        table: rows of cells, the first row being the header.
        inputs: further named texts, which prompts may name in placeholders.
        id: the problem's name in results.
    """

    question: str
    kind: Kind = field(default_factory=Text)
    context: str | None = None
    options: Sequence[str] | None = None
    table: Sequence[Sequence[str]] | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.question, str):
            raise UsageError(f"a problem's question is a text, not {type(self.question).__name__}")
        if isinstance(self.kind, str | type):
            raise UsageError(f"a problem's kind is an object such as Number() or Choice([…]), not {self.kind!r}")
        if self.options is not None:
            object.__setattr__(self, "options", tuple(self.options))
            if isinstance(self.kind, Text):
                object.__setattr__(self, "kind", Choice(tuple(self.options)))

    @classmethod
    def of(cls, problem: Problem | str) -> Problem:
        """A problem as it is; a bare question as a problem that wants a text."""
        return problem if isinstance(problem, cls) else cls(str(problem))

    def values(self) -> Mapping[str, str]:
        """What prompts can name: `problem` (all of it), `bare` (without the options), its parts, the kind's phrases
        `instruction`, `trigger` and `direct`, and the `inputs`."""
        return self._values

    @cached_property
    def _values(self) -> dict[str, str]:
        options = self.kind.menu() if isinstance(self.kind, Choice) else ""
        table = "\n".join(" | ".join(row) for row in self.table or ())
        bare = "\n\n".join(part for part in (self.context, table, self.question) if part)
        return {
            "problem": f"{bare}\n\n{options}" if options else bare,
            "question_only": bare,
            "question": self.question,
            "context": self.context or "",
            "options": options,
            "table": table,
            "instruction": self.kind.instruction(),
            "trigger": self.kind.trigger(),
            "direct_instruction": self.kind.direct_instruction(),
            **self.inputs,
        }

    def parse(self, reply: Completion | str, *, after: str = "", region: Region | None = None) -> Answered | Unparsed:
        """Read the answer that a reply states: the kind reads, nobody else.

        A reply that was cut off counts only if it had stated its answer before the cut.

        Args:
            reply: what the model said.
            after: the beginning of the sentence that the reply goes on with, such as the kind's trigger. It is no part
                of a text or of code that is itself the answer.
            region: the part in which to look.
        """
        text = reply if isinstance(reply, str) else reply.text
        cut = isinstance(reply, Completion) and reply.truncated
        said = text.rpartition(" ")[0] if cut else text  # the last word may be half a number
        if after and said.strip().lower().startswith(after.lower()):  # it may be said once more
            said = said.strip()[len(after) :].lstrip(" :")
        if after and said.strip() and not _whole(self.kind):  # the beginning alone says nothing
            said = f"{after} {said}"
        reading = self.kind.parse_reply(said, region=region, stated_only=cut)
        if reading.value is None:
            return Unparsed(f"{reading.rule}{', and the reply was cut off' if cut else ''}", text=text)
        return Answered(reading.value, rule=reading.rule, text=text)


def _whole(kind: Kind) -> bool:
    return isinstance(kind, Code) or (isinstance(kind, Text) and kind.whole)


@dataclass(frozen=True)
class Example:
    """A problem and its target. Only scorers see the target, so no strategy can leak it.

    Attributes:
        problem: what is asked.
        target: the right answer, as the data set has it.
        scorer: whether a value is right, where the kind cannot tell (a puzzle with many solutions).
        family: what problems that are alike share, such as the question that they vary or the passage that they are
            about; empty where a problem stands alone. Statistics count a family's problems together.
    """

    problem: Problem
    target: Any
    scorer: Callable[[Any], bool] | None = field(default=None, compare=False, repr=False)
    family: str = ""

    def score(self, value: Any) -> bool:
        """Whether a value is right."""
        if value is None:
            return False
        return self.scorer(value) if self.scorer else self.problem.kind.score(value, self.target)
