"""Annotations of questions with reasoning and an answer: by a person in a file, by a model, or of gold answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reasoning.answer import Answered
from reasoning.branches import gather
from reasoning.errors import CallFailed, UsageError
from reasoning.messages import Completion
from reasoning.problem import Example, accepted_answers
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations.chain_examples import chain_example
from reasoning.strategies.demonstrations.uncertainty import SampledQuestion
from reasoning.strategies.demonstrations.worked_example import WorkedExample, read_examples
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.text_safety import to_line

GOLD = "gold"
"""The value of `annotator=` for gold answers with the target model's own reasoning."""
_FILES = (".toml", ".jsonl")


class Annotator(Protocol):
    """A source of the reasoning and the answer of a question."""

    @property
    def about(self) -> str:
        """The person, model or file that annotates, for display."""

    async def annotate(self, question: SampledQuestion, session: Session) -> WorkedExample | None:
        """Return the annotated question; None if it cannot be annotated, as an ill-posed one."""


async def annotate_first(
    questions: Sequence[SampledQuestion], count: int, annotator: Annotator, session: Session
) -> list[WorkedExample]:
    """Return the annotations of the first questions that can be annotated, in order.

    Args:
        questions: the questions, most uncertain first.
        count: the most annotations.
        annotator: the source of the annotations.
        session: the session to ask with. As many questions are annotated at once as are still needed.
    """

    async def attempt(question: SampledQuestion, branch: Session) -> WorkedExample | None:
        try:
            return await annotator.annotate(question, branch)
        except CallFailed as error:
            # A provider may refuse one question for good, and the fit has paid for the samples of all.
            if error.ends_run:
                raise
            branch.note(f"not annotated: {error}")
            return None

    found: list[WorkedExample] = []
    start = 0
    while len(found) < count and start < len(questions):
        part = questions[start : start + count - len(found)]
        branches = session.fork("annotate", [one.example.problem.values()["problem"] for one in part])
        made = await gather([attempt(one, branch) for one, branch in zip(part, branches, strict=True)])
        found += [one for one in made if one is not None]
        start += len(part)
    return found


@dataclass(frozen=True)
class GoldAnnotator:
    """The gold answer, with reasoning of the target model that reaches it.

    The reasoning is that of the first sample with the right answer. If no sample has it, the model is told the
    answer and asked for the reasoning, which must end with it.
    """

    explain: Prompt

    about = "gold answers with the model's own reasoning"

    async def annotate(self, question: SampledQuestion, session: Session) -> WorkedExample | None:
        example, problem = question.example, question.example.problem
        for sample in question.samples:
            text = sample.text.removesuffix(f"\n{sample.answer.text}")
            if not sample.truncated and example.score(sample.value) and (made := _worked(example, text, sample.value)):
                return made
        reply = await session.ask(self.explain.render(problem, answer=_gold(example)), temperature=0)
        return _checked(example, reply, problem.parse(reply).value)


@dataclass(frozen=True)
class ModelAnnotator:
    """Another model, usually a stronger one. What contradicts the gold answer is left out, if there is one."""

    model: str
    prompt: ChainOfThought

    @property
    def about(self) -> str:
        return f"the model {self.model}"

    async def annotate(self, question: SampledQuestion, session: Session) -> WorkedExample | None:
        problem = question.example.problem
        call = self.prompt.first_call(problem)
        reply = await session.with_model(self.model).ask(call.messages, temperature=0, **call.params)
        answer = problem.parse(reply)
        return _checked(question.example, reply, answer.value if isinstance(answer, Answered) else None)


@dataclass(frozen=True)
class FileAnnotator:
    """A file of worked examples, such as one that `reasoning annotate` writes; other questions are left out."""

    path: str

    @property
    def about(self) -> str:
        return f"the file {self.path}"

    async def annotate(self, question: SampledQuestion, session: Session) -> WorkedExample | None:
        wanted = {_words(question.example.problem.question), _words(question.example.problem.values()["question_only"])}
        examples = [one for examples in read_examples(Path(self.path)).values() for one in examples]
        return next((one for one in examples if _words(one.question) in wanted), None)


def annotator_by_name(name: str, pool: Sequence[Example], explain: Prompt, prompt: ChainOfThought) -> Annotator:
    """Return the annotator that a name stands for: "gold", a file (.toml, .jsonl), or the name of a model.

    Args:
        name: the name.
        pool: the examples that may be annotated.
        explain: the prompt for reasoning that reaches a gold answer.
        prompt: the prompt for another model.

    Raises:
        UsageError: the name is empty, the pool has no gold answers, or the file cannot be read.
    """
    if not name.strip():
        raise UsageError(f"annotator must be 'gold', a file (.toml or .jsonl), or the name of a model, got {name!r}")
    if name == GOLD:
        if any(example.target is None for example in pool):
            raise UsageError("annotator='gold' needs a pool with answers; name a model, or a file of annotations")
        return GoldAnnotator(explain)
    if not name.endswith(_FILES):
        return ModelAnnotator(name, prompt)
    read_examples(Path(name))
    return FileAnnotator(name)


def gold_answer(example: Example) -> str | None:
    """Return the gold answer of an example as its kind shows it; None without one."""
    return None if example.target is None else _gold(example)


def _gold(example: Example) -> str:
    kind, target = example.problem.kind, accepted_answers(example.target)[0]
    try:
        return kind.show(kind.target(target))
    except UsageError:
        # A scorer of its own decides, and the target is only one of the right answers.
        return to_line(str(target))


def _checked(example: Example, reply: Completion, value: object) -> WorkedExample | None:
    """Return the annotation of a complete reply whose answer is right, as far as that is known."""
    if reply.truncated or value is None or (example.target is not None and not example.score(value)):
        return None
    return _worked(example, reply.text, value)


def _worked(example: Example, text: str, value: object) -> WorkedExample | None:
    """Return a worked example; None if the reply has no reasoning besides its answer, or a program."""
    made = None if "```" in text else chain_example(example.problem, text, value)
    return made if made is not None and made.rationale.rstrip(". ") not in ("", made.answer) else None


def _words(text: str) -> str:
    return " ".join(text.split()).casefold()
