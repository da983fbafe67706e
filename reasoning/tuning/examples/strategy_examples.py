"""Rationale distillation: the reasoning of samples that reached a strategy's answer, as training examples.

Source:
    Distilling step-by-step: Hsieh et al. 2023, arXiv 2305.02301. Answers by a vote, without gold
    values: Huang et al. 2022, "Large Language Models Can Self-Improve", arXiv 2210.11610. Only right
    answers: STaR, Zelikman et al. 2022, arXiv 2203.14465. Several different ones for each problem:
    RFT, Yuan et al. 2023, "Scaling Relationship on Learning Mathematical Reasoning", arXiv 2308.01825.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reasoning import event_loop
from reasoning.answer import Answer, Answered, Failed
from reasoning.branches import gather
from reasoning.chain.prompt_digest import digest_strategy
from reasoning.errors import BudgetExhausted, CallFailed, ReasoningError, UsageError
from reasoning.first_call_strategy import FirstCallStrategy
from reasoning.messages import Message, Usage
from reasoning.problem import Example, Problem
from reasoning.strategies.demonstrations.near_duplicates import group_near_duplicates
from reasoning.strategy import Strategy
from reasoning.text_safety import to_line
from reasoning.tuning.examples.example_file import (
    ExampleFile,
    ExampleHeader,
    TrainingExample,
    append_example,
    create_example_file,
    find_fault,
    read_examples,
)
from reasoning.tuning.examples.example_making import ExampleMaking
from reasoning.tuning.examples.recorded_samples import Sample, content_key, record_samples, to_reply

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM

Outcome = Literal["kept", "wrong", "refused", "disagreed", "failed"]
_MAX_ID = 200


@dataclass(frozen=True)
class Distilling:
    """The settings of a distillation.

    Attributes:
        teacher: the strategy that answers.
        student: the strategy whose prompt the examples have. Its first call must depend on the
            problem alone.
        llm: the teacher's model.
        gold: keep the samples with the right answer, instead of those with the strategy's answer.
        min_share: the least share of the votes that the strategy's answer must have; without effect
            with `gold`, and for a strategy that does not vote.
        per_problem: the largest number of different samples of one problem.

    Raises:
        UsageError: a setting is out of range, or the student has no such first call.
    """

    teacher: Strategy
    student: Strategy
    llm: LLM
    gold: bool = False
    min_share: float = 0.5
    per_problem: int = 1

    def __post_init__(self) -> None:
        self.first_call_student  # noqa: B018  # checks it
        if not 0 <= self.min_share <= 1:
            raise UsageError(f"--min-share must be from 0 to 1, got {self.min_share:g}")
        if self.per_problem < 1:
            raise UsageError(f"--per-problem must be at least 1, got {self.per_problem}")

    @property
    def first_call_student(self) -> FirstCallStrategy:
        """The student as a strategy whose first call depends on the problem alone."""
        if not isinstance(self.student, FirstCallStrategy) or not self.student.shares_first_call:
            raise UsageError(f"the student must be a strategy with one first call, such as cot, got {self.student!r}")
        return self.student


@dataclass(repr=False)
class Distillation(ExampleMaking):
    """The distillation of a strategy on a pool of problems.

    Attributes:
        path: the file of the examples.
        header: its header, without counts.
        pool: the problems, each with its targets.
        examples: the training examples by the problem's index.
        outcomes: the outcome by the problem's index, with the reason if there is no example.
        usage: the usage of all draws, whether new or from the journal.
        spent: the usage of the draws that were made now, with those of problems without an outcome yet.
        stopped: the error that ended the distillation early, if any.
    """

    path: Path
    header: ExampleHeader
    pool: Sequence[Example]
    examples: dict[int, tuple[TrainingExample, ...]] = field(default_factory=dict)
    outcomes: dict[int, tuple[Outcome, str]] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    spent: Usage = field(default_factory=Usage)
    stopped: ReasoningError | None = None

    @property
    def counts(self) -> Counter[str]:
        """The number of problems by outcome."""
        return Counter(outcome for outcome, _ in self.outcomes.values())

    @property
    def accepted(self) -> tuple[int, int]:
        """The problems with an example, and those with an answer to every call."""
        kept, judged = self.counts["kept"], len(self.outcomes) - self.counts["failed"]
        return kept, judged

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """The most frequent reasons of refusals with their numbers, at most three."""
        return Counter(why for outcome, why in self.outcomes.values() if outcome == "refused").most_common(3)

    @property
    def content(self) -> ExampleFile:
        """The content of the file: the examples in the order of the pool, and the counts."""
        examples = [one for index in sorted(self.examples) for one in self.examples[index]]
        return ExampleFile(replace(self.header, counts=dict(self.counts)), tuple(examples))


def open_distillation(path: Path, settings: Distilling, task: str, pool: Sequence[Example]) -> Distillation:
    """Return the distillation with the examples that an earlier command has left in the file.

    Args:
        path: the file; it is made if it is missing.
        settings: the settings.
        task: the name of the task.
        pool: the problems, none of which is judged.

    Raises:
        InputError: the file cannot be read or written.
        UsageError: it has examples of other settings, or a strategy does not support the problems.
    """
    for one in pool:
        settings.student.check_supports(one.problem.kind)
        settings.teacher.check_supports(one.problem.kind)
    drawn = dict(settings.teacher.parameters()).get("samples")
    samples = drawn if isinstance(drawn, int) else 1
    share = 0.0 if settings.gold else settings.min_share
    filtered = " with right answers" if settings.gold else ""
    header = ExampleHeader(
        strategy=repr(settings.student),
        task=task,
        prompt_sha256=digest_strategy(settings.student, pool[0].problem.kind),
        teacher=f"{settings.teacher!r}{filtered} on {settings.llm.client.model}",
        votes=samples,
        agree=max(1, -int(-share * samples // 1)),
    )
    distillation = Distillation(path, header, pool)
    if not path.exists():
        create_example_file(path, header)
        return distillation
    found = read_examples(path)
    if replace(found.header, counts={}) != header:
        other = f"{found.header.strategy} by {found.header.teacher} on {found.header.task}"
        raise UsageError(
            f"{path} has examples of {other}, but this command makes examples of {header.strategy} by "
            f"{header.teacher} on {header.task}; move the file away, or give another --out"
        )
    known: dict[tuple[Message, ...], list[TrainingExample]] = {}
    for example in found.examples:
        known.setdefault(example.messages, []).append(example)
    for index, one in enumerate(pool):
        if kept := known.get(_turns(settings.first_call_student, one.problem)):
            distillation.examples[index] = tuple(kept)
    return distillation


def run_distillation(
    distillation: Distillation,
    settings: Distilling,
    on_finished: Callable[[Distillation], None] = lambda distillation: None,
) -> None:
    """Let the teacher answer the problems that have no example yet. Each example is in the file at once.

    Args:
        distillation: the distillation, which is changed.
        settings: the settings.
        on_finished: called after each problem.

    Raises:
        InputError: the file cannot be written.
    """
    groups = group_near_duplicates([one.problem.values()["problem"] for one in distillation.pool])
    before = settings.llm.total_usage
    event_loop.run_sync(_run(distillation, settings, groups, on_finished))
    distillation.spent += settings.llm.total_usage - before
    distillation.save()


async def _run(
    distillation: Distillation,
    settings: Distilling,
    groups: Sequence[int],
    on_finished: Callable[[Distillation], None],
) -> None:
    pool = distillation.pool
    queue = iter(range(len(pool)))

    async def work() -> None:
        for index in queue:
            if distillation.stopped is not None:
                return
            if index in distillation.examples:
                distillation.outcomes[index] = "kept", ""
                on_finished(distillation)
                continue
            places: list[Sample | None] = []
            try:
                answer = await record_samples(settings.teacher, places).arun(pool[index].problem, settings.llm)
            except (BudgetExhausted, CallFailed) as error:
                distillation.stopped = error
                return
            distillation.usage += answer.usage
            outcome, why, replies = _choose(settings, pool[index], answer, places)
            made = _to_examples(pool, index, replies, settings.first_call_student, _id(pool, groups[index]))
            for example in made:
                append_example(distillation.path, example)
            if made:
                distillation.examples[index] = made
            elif outcome == "kept":
                outcome, why = "refused", "no reply can be kept in a file"
            distillation.outcomes[index] = outcome, why
            on_finished(distillation)

    await gather([work() for _ in range(min(settings.llm.limits.concurrency, len(pool)))])


def _choose(
    settings: Distilling, example: Example, answer: Answer, drawn: Sequence[Sample | None]
) -> tuple[Outcome, str, list[str]]:
    """Return the outcome of a problem, the reason if it has no example, and the replies to learn."""
    if isinstance(answer, Failed):
        return "failed", answer.reason, []
    kind = example.problem.kind
    samples = [sample for sample in drawn if sample is not None]
    if settings.gold:
        reached = [sample for sample in samples if example.score(sample.value)]
        if not reached:
            return "wrong", "no sample has the right answer", []
    elif not isinstance(answer, Answered):
        return "refused", answer.reason, []
    elif answer.votes is not None and (share := _share(answer.votes.share, drawn)) < settings.min_share:
        return "disagreed", f"the answer has {share:.0%} of the votes of {len(drawn)} samples", []
    else:
        reached = [sample for sample in samples if kind.same(sample.value, answer.value)]
    replies: dict[Hashable, str] = {}
    for sample in reached:
        if reply := to_reply(sample, settings.first_call_student, example.problem):
            replies.setdefault(content_key(reply), reply)
    if not replies:
        return "refused", "no sample states reasoning and answer in a form that the student reads", []
    return "kept", "", list(replies.values())[: settings.per_problem]


def _share(of_votes: float, drawn: Sequence[Sample | None]) -> float:
    """Return an answer's share of all samples; a sample without an answer has no vote, and agrees with nothing."""
    return of_votes * sum(sample is not None for sample in drawn) / len(drawn) if drawn else of_votes


def _to_examples(
    pool: Sequence[Example], index: int, replies: Sequence[str], student: FirstCallStrategy, group: str
) -> tuple[TrainingExample, ...]:
    turns, name = _turns(student, pool[index].problem), _id(pool, index)
    made = (
        TrainingExample(name if number == 1 else f"{name}, sample {number}", turns, reply, group)
        for number, reply in enumerate(replies, 1)
    )
    return tuple(one for one in made if not find_fault(one))


def _turns(student: FirstCallStrategy, problem: Problem) -> tuple[Message, ...]:
    if problem.images:
        raise UsageError(
            f"training examples are texts, and the problem {problem.id!r} has an image that they would lack; choose a "
            "task without images"
        )
    return student.first_call(problem).messages.messages


def _id(pool: Sequence[Example], index: int) -> str:
    """Return the id of a problem, with its number, since ids of a task may repeat after they are cut."""
    return f"{index + 1}: {to_line(str(pool[index].problem.id))[:_MAX_ID]}"
