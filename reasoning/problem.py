"""Problems, and examples: problems with their targets, which no strategy ever sees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from reasoning.answer import Answered, Unparsed
from reasoning.errors import UsageError
from reasoning.images import Image, ImageSource
from reasoning.kinds import Choice, Kind, Number, Region, Spans, Text
from reasoning.kinds.code import Code
from reasoning.kinds.registry import check_is_kind
from reasoning.messages import Completion, Message
from reasoning.retrieval import Corpus
from reasoning.short_repr import format_repr, shorten
from reasoning.tables_sql.table import Table
from reasoning.text_safety import escape_turn_marks
from reasoning.truncation import describe_only_reasoning, is_only_reasoning

ROLES = ("system", "user", "assistant", "tool")
"""The roles of earlier turns."""


@dataclass(frozen=True)
class Problem:
    """A question, and the kind of answer that it asks for.

    Attributes:
        question: the text of the question.
        kind: how answers are stated, parsed and compared; a text by default.
        context: a passage that the question is about, in which `Spans` lie.
        options: the texts to choose from. With options and no kind, the kind is `Choice(options)`.
        table: a table that the question is about; rows of cells, the first of which is the header, become
            a `Table` with inferred types.
        corpus: the documents in which the answer may be found; techniques that search use them.
        inputs: further named texts, which prompts may name in placeholders.
        images: pictures that the question is about: paths, bytes, URLs or `Image`s. They are sent with
            every request of a solve, and no prompt names them. A URL is passed on and never fetched.
        before: the earlier turns of a conversation, as `Message`s or pairs of a role and a text. They
            are sent before the prompt in every request of a solve, and no prompt names them. A system
            text at their beginning is put before that of the prompt.
        id: the problem's name in results.

    Examples:
        >>> from reasoning import kinds
        >>> problem = Problem("How many legs do two spiders have?", kinds.Number())
        >>> problem.parse("Each has 8 legs, so 2 * 8 = 16. The answer is 16.").value
        16
        >>> problem.parse("I do not know.").state
        'unparsed'
        >>> Problem("Which is a fruit?", options=["rose", "pear"]).parse("The answer is (B).").value
        'B'
    """

    question: str
    kind: Kind = field(default_factory=Text)
    context: str | None = None
    options: Sequence[str] | None = None
    table: Table | Sequence[Sequence[Any]] | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None
    corpus: Corpus | None = None
    images: Sequence[ImageSource] = ()
    before: Sequence[Message] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.question, str):
            raise UsageError(f"a problem's question must be a text, got {type(self.question).__name__}")
        if isinstance(self.kind, str | type):
            check_is_kind(self.kind, "a problem's kind")
        if self.corpus is not None and not isinstance(self.corpus, Corpus):
            form = "a Corpus(name, documents); to search a folder or a service, give the strategy a retriever"
            raise UsageError(f"a problem's corpus must be {form}, got {self.corpus!r:.80}")
        if self.options is not None:
            object.__setattr__(self, "options", tuple(self.options))
            if isinstance(self.kind, Text):
                object.__setattr__(self, "kind", Choice(tuple(self.options)))
        if self.images != ():
            images = (self.images,) if isinstance(self.images, Image | Path | str | bytes) else self.images or ()
            object.__setattr__(self, "images", tuple(map(Image.of, images)))
        if self.before != ():
            object.__setattr__(self, "before", tuple(map(_to_turn, self.before or ())))
        if self.table is not None:
            # A data frame has no truth value.
            is_empty = isinstance(self.table, Sequence | Mapping) and not self.table
            object.__setattr__(self, "table", None if is_empty else Table.of(self.table))
        if isinstance(self.kind, Spans) and not self.kind.text:
            kind = dataclasses.replace(self.kind, text=self.context or self.question)
            object.__setattr__(self, "kind", kind)

    def __repr__(self) -> str:
        """Return the fields that are set; long texts are cut."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        # The cells tell problems apart, and hashes of results folders depend on them.
        fields["table"] = self.table and Table.of(self.table).written
        return format_repr(
            "Problem", {name: shorten(value, 200) for name, value in fields.items() if value and value != Text()}
        )

    def _repr_html_(self) -> str:
        from reasoning.display import problem_html

        return problem_html(self)

    @classmethod
    def of(cls, problem: Problem | str) -> Problem:
        """Return a problem unchanged; turn a bare question into a problem that asks for a text.

        Raises:
            UsageError: it is neither a problem nor a text.
        """
        if isinstance(problem, Mapping):
            raise UsageError("only a chain takes its inputs by name; make a Problem(question, kind, …) of them")
        return problem if isinstance(problem, Problem) else cls(problem)

    def values(self) -> Mapping[str, str]:
        """Return the values for the placeholders of prompts.

        They are `problem` (context, table, question and options), `question_only` (the same without
        the options), the parts `question`, `context`, `options` and `table`, the kind's phrases
        `instruction`, `trigger` and `direct_instruction`, and the `inputs`.
        """
        return self._values

    def forget_values(self) -> None:
        """Free what `values` keeps; it is computed again when it is needed. A long run has many problems."""
        vars(self).pop("_values", None)

    @cached_property
    def _values(self) -> dict[str, str]:
        options = self.kind.menu() if isinstance(self.kind, Choice) else ""
        table = Table.of(self.table).as_written() if self.table else ""
        without_options = "\n\n".join(part for part in (self.context, table, self.question) if part)
        return {
            "problem": f"{without_options}\n\n{options}" if options else without_options,
            "question_only": without_options,
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
        """Parse the answer that a reply states. Only the problem's kind determines what counts as one.

        A reply that was cut off counts only if it stated its answer before the cut. If no answer is
        stated, a number that only repeats the question gives way to another one of its sentence.

        Args:
            reply: the model's reply.
            after: the beginning of the sentence that the reply continues, such as the kind's
                trigger. It does not become part of the answer if the whole reply is the answer, as
                for a text or code.
            region: the part of the reply in which to look; by default the whole.
        """
        text = reply if isinstance(reply, str) else reply.text
        truncated = isinstance(reply, Completion) and reply.truncated
        # The last word of a truncated reply may be half a number.
        statement = text.rpartition(" ")[0] if truncated else text
        if after and statement.strip().lower().startswith(after.lower()):
            # The reply repeats the beginning of the sentence.
            statement = statement.strip()[len(after) :].lstrip(" :")
        # The beginning alone states nothing.
        if after and statement.strip() and not _is_whole_reply(self.kind):
            statement = f"{after} {statement}"
        result = self.kind.parse_reply(statement, region=region, stated_only=truncated)
        if isinstance(self.kind, Number):
            result = self.kind.prefer_new_number(result, statement, self.question, region)
        if result.value is None:
            if isinstance(reply, Completion) and is_only_reasoning(reply):
                return Unparsed(describe_only_reasoning(reply), text=text)
            return Unparsed(f"{result.rule}{', and the reply was cut off' if truncated else ''}", text=text)
        return Answered(result.value, rule=result.rule, text=text)


def _to_turn(turn: Any) -> Message:
    """Return an earlier turn; marks of a chat template in its text open and close no turn."""
    if not isinstance(turn, tuple | list) or len(turn) != 2 or not all(isinstance(part, str) for part in turn):
        raise UsageError(f"a turn of before must be a Message or a pair of a role and a text, got {shorten(turn)}")
    role, content = turn
    if role not in ROLES:
        raise UsageError(f"the role of a turn must be one of {', '.join(ROLES)}, got {role!r:.40}")
    return Message(role, escape_turn_marks(content), getattr(turn, "images", ()))


def _is_whole_reply(kind: Kind) -> bool:
    """Return whether the answers of a kind are whole replies, to which no sentence may be prepended."""
    return isinstance(kind, Code) or (isinstance(kind, Text) and kind.whole)


@dataclass(frozen=True)
class AnyOf:
    """Several accepted answers as one target: a value is right if it matches any of them.

    A list as a target is one answer, for kinds whose answers are lists.

    Attributes:
        answers: the accepted answers, at least one; each as a target of the kind.

    Raises:
        UsageError: the list is empty.

    Examples:
        >>> Example(Problem("What is the capital of the Netherlands?"), AnyOf(["Amsterdam", "A'dam"])).score("Adam")
        True
    """

    answers: Sequence[Any]

    def __post_init__(self) -> None:
        if isinstance(self.answers, str) or not self.answers:
            raise UsageError(f"AnyOf needs a list of accepted answers, got {self.answers!r:.80}")
        object.__setattr__(self, "answers", tuple(self.answers))

    def __str__(self) -> str:
        return " or ".join(map(str, self.answers))


def accepted_answers(target: Any) -> Sequence[Any]:
    """Return the answers that a target accepts: one, unless it is `AnyOf` several."""
    return target.answers if isinstance(target, AnyOf) else (target,)


@dataclass(frozen=True)
class Example:
    """A problem and its target. Only scorers see the target, so no strategy can leak it.

    Attributes:
        problem: the problem.
        target: the right answer, as the data set has it; `AnyOf` several if any of them is right.
        scorer: returns whether a value is right, for kinds that cannot tell (a puzzle with many
            solutions).
        family: the name that similar problems share, such as variants of one question or questions
            about one passage; empty for a problem of its own. Statistics treat a family's problems
            as a cluster.
    """

    problem: Problem
    target: Any
    scorer: Callable[[Any], bool] | None = field(default=None, compare=False, repr=False)
    family: str = ""

    def score(self, value: Any) -> bool:
        """Return whether a value is right. None, the value of an unparsed answer, is not."""
        if value is None:
            return False
        if self.scorer:
            return self.scorer(value)
        # All are compared, so that a wrong target always raises an error.
        scores = [self.problem.kind.score(value, target) for target in accepted_answers(self.target)]
        return any(scores)
