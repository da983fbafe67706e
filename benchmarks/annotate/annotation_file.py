"""A file of annotations and the questions that wait for one, both written at every step.

mine.toml                the annotations, which `demonstrations=` takes; people may edit it
mine.questions.json      the questions, the model's answers to them, and what was begun
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reasoning.benchmarks.results import example_json
from reasoning.errors import InputError, UsageError
from reasoning.files import atomic_write
from reasoning.kinds import Choice
from reasoning.problem import Example
from reasoning.strategies.demonstrations.annotation import gold_answer
from reasoning.strategies.demonstrations.example_files import write_examples
from reasoning.strategies.demonstrations.uncertainty import SampledQuestion
from reasoning.strategies.demonstrations.worked_example import WorkedExample, read_examples
from reasoning.text_safety import dump_json

_FORMAT = 1


@dataclass(frozen=True)
class WaitingQuestion:
    """A question that a person may annotate.

    Attributes:
        example: the question.
        uncertainty: the model's uncertainty about it.
        shares: the model's answers with their numbers of samples; None for samples without an answer.
        gold: the right answer as its kind shows it; None if it is not known.
        is_skipped: whether the person passed over it.
        draft: the lines of reasoning that were entered before the person left.
    """

    example: Example
    uncertainty: float
    shares: tuple[tuple[str | None, int], ...]
    gold: str | None = None
    is_skipped: bool = False
    draft: tuple[str, ...] = ()

    @classmethod
    def of(cls, question: SampledQuestion) -> WaitingQuestion:
        """Return a sampled question without an annotation."""
        return cls(question.example, question.uncertainty, tuple(question.shares), gold_answer(question.example))

    @property
    def text(self) -> str:
        """The question as its worked example has it, without its options."""
        return self.example.problem.values()["question_only"].strip()

    def to_json(self) -> dict[str, Any]:
        """Return plain data; `from_json` reads it back."""
        state = {"skipped": self.is_skipped, "draft": list(self.draft)}
        measured = {"uncertainty": self.uncertainty, "answers": [list(share) for share in self.shares]}
        # A question needs no name here.
        return {"example": {"id": "", **example_json.to_json(self.example)}, **measured, "gold": self.gold, **state}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> WaitingQuestion:
        """Return the question of `to_json`.

        Raises:
            KeyError, TypeError, ValueError, UsageError: the data is damaged.
        """
        shares = tuple((answer, int(count)) for answer, count in data["answers"])
        example, draft = example_json.from_json(data["example"]), tuple(map(str, data["draft"]))
        return cls(example, float(data["uncertainty"]), shares, data["gold"], bool(data["skipped"]), draft)


@dataclass
class AnnotationFile:
    """The annotations of a person and the questions that wait.

    Attributes:
        path: the file of annotations.
        about: the pool, the model and the strategy that chose the questions, by name.
        wanted: the number of annotations that are wanted.
        questions: the questions, most uncertain first.
        examples: the annotations.
    """

    path: Path
    about: Mapping[str, str]
    wanted: int
    questions: list[WaitingQuestion]
    examples: list[WorkedExample] = field(default_factory=list)

    @classmethod
    def create(
        cls, path: Path, questions: Iterable[SampledQuestion], wanted: int, about: Mapping[str, str]
    ) -> AnnotationFile:
        """Store the questions to annotate. Annotations that the file has already are kept."""
        file = cls(path, about, wanted, [WaitingQuestion.of(question) for question in questions], _read(path))
        file._save()
        return file

    @classmethod
    def open(cls, path: Path) -> AnnotationFile:
        """Read the annotations and the questions that wait.

        Raises:
            InputError: a file is missing or damaged.
        """
        waiting = questions_path(path)
        try:
            data = json.loads(waiting.read_text(encoding="utf-8"))
            if data["format"] != _FORMAT:
                raise ValueError("written by a newer version of this library")
            questions = [WaitingQuestion.from_json(one) for one in data["questions"]]
            about = {str(name): str(value) for name, value in data["about"].items()}
            return cls(path, about, int(data["wanted"]), questions, _read(path))
        except FileNotFoundError:
            raise InputError(f"{waiting}: is missing; give --task or --pool, from which questions are chosen") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{waiting}: damaged or unreadable: {error!r:.200}") from None

    @property
    def done(self) -> int:
        """The number of its questions that are annotated."""
        return sum(self.annotation(question) is not None for question in self.questions)

    @property
    def is_complete(self) -> bool:
        """True if as many questions are annotated as are wanted."""
        return self.done >= self.wanted

    def annotation(self, question: WaitingQuestion) -> WorkedExample | None:
        """Return the annotation of a question; None if it has none."""
        return next((one for one in self.examples if _words(one.question) == _words(question.text)), None)

    def next_open(self) -> int | None:
        """Return the index of the most uncertain question that is neither annotated nor skipped; None without one."""
        return next((index for index, one in enumerate(self.questions) if self._is_open(one)), None)

    def annotate(self, index: int, rationale: Sequence[str], answer: str) -> None:
        """Store the annotation of a question in place of an earlier one.

        Args:
            index: the index of the question.
            rationale: the lines of the reasoning.
            answer: the answer as its kind shows it.
        """
        question = self.questions[index]
        kind = question.example.problem.kind
        options = tuple(kind.options) if isinstance(kind, Choice) else ()
        made = WorkedExample(question.text, answer, "\n".join(rationale).strip(), options)
        # The person may have edited the file meanwhile.
        self.examples = _read(self.path)
        before = self.annotation(question)
        if before is None:
            self.examples.append(made)
        else:
            self.examples[self.examples.index(before)] = made
        lines = [f"{name}: {value}" for name, value in self.about.items()]
        write_examples(self.path, self.examples, comment="\n".join(["Annotated by a person.", *lines]))
        self._change(index, draft=(), is_skipped=False)

    def skip(self, index: int) -> None:
        """Pass over a question, such as an ill-posed one."""
        self._change(index, is_skipped=True, draft=())

    def keep_draft(self, index: int, lines: Sequence[str]) -> None:
        """Store lines of reasoning that are not finished."""
        self._change(index, draft=tuple(lines))

    def _is_open(self, question: WaitingQuestion) -> bool:
        return not question.is_skipped and self.annotation(question) is None

    def _change(self, index: int, **changes: Any) -> None:
        if (changed := replace(self.questions[index], **changes)) != self.questions[index]:
            self.questions[index] = changed
            self._save()

    def _save(self) -> None:
        questions = [question.to_json() for question in self.questions]
        data = {"format": _FORMAT, "about": dict(self.about), "wanted": self.wanted, "questions": questions}
        atomic_write(questions_path(self.path), dump_json(data, indent=1, default=str) + "\n")


def questions_path(path: Path) -> Path:
    """Return the file of the questions that wait for a file of annotations."""
    return path.with_name(f"{path.name.removesuffix('.toml')}.questions.json")


def check_file(path: Path) -> None:
    """Check a file of annotations, which may be missing, before calls that would be of no use.

    Raises:
        UsageError: the file has another suffix than .toml, or its folder does not exist.
        InputError: the file is no file of annotations.
    """
    if path.suffix != ".toml":
        raise UsageError(f"the file of annotations must end in .toml, got {path}")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: the folder {path.parent} must exist: create it, or give another file")
    _read(path)


def _read(path: Path) -> list[WorkedExample]:
    return [one for examples in read_examples(path).values() for one in examples] if path.exists() else []


def _words(text: str) -> str:
    return " ".join(text.split()).casefold()
