"""Label the inputs of a chain's step by a teacher, and keep the labels as training examples.

Source:
    Step distillation: Hsieh et al. 2023, "Distilling Step-by-Step!", arXiv 2305.02301. Agreement of
    several samples as a filter without gold labels: Huang et al. 2022, "Large Language Models Can
    Self-Improve", arXiv 2210.11610, §3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from reasoning import event_loop
from reasoning.branches import gather
from reasoning.chain.prompt_digest import digest_step
from reasoning.errors import BudgetExhausted, CallFailed, ReasoningError, UsageError
from reasoning.messages import Usage
from reasoning.registry import bundled_chains
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
from reasoning.tuning.examples.review import ReviewFile
from reasoning.tuning.examples.step_inputs import InputPool, StepInput
from reasoning.tuning.examples.teacher_votes import Outcome, Teacher, Verdict, vote

PLACE = ".tuning"
"""The folder of the labels within a chain's folder."""


def labels_path(folder: Path, step: str, out: Path | None = None) -> Path:
    """Return the file of a step's labels.

    Args:
        folder: the chain's folder, or a .toml file in it.
        step: the name of the step.
        out: another folder for the file; by default `.tuning` in the chain's folder.

    Raises:
        UsageError: the chain is a bundled one, whose folder is not written to, and `out` is None.
    """
    if out is not None:
        return out.expanduser() / f"{step}.jsonl"
    home = folder if folder.is_dir() else folder.parent
    if home.resolve() in [path.resolve() for path in bundled_chains().values()]:
        raise UsageError(
            f"{home.name} is a bundled chain, whose folder is read-only: give --out FOLDER for the labels, "
            f"or copy the chain: reasoning chain new NAME --template {home.name}"
        )
    return home / PLACE / f"{step}.jsonl"


@dataclass(repr=False)
class Labelling(ExampleMaking):
    """The labelling of a pool of inputs.

    Attributes:
        path: the file of the labels.
        header: the header of the file, without counts.
        pool: the inputs.
        verdicts: the outcome by input, of those that have one.
        examples: the labels by input.
        others: the labels in the file that are of other inputs, which were labelled before.
        reviews: the decisions of a person on labels.
        spent: the usage of the draws that were made now, with those of inputs without an outcome yet.
        stopped: the error that ended the labelling early, if any.
    """

    path: Path
    header: ExampleHeader
    pool: InputPool
    reviews: ReviewFile
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    examples: dict[str, TrainingExample] = field(default_factory=dict)
    others: tuple[TrainingExample, ...] = ()
    spent: Usage = field(default_factory=Usage)
    stopped: ReasoningError | None = None

    @property
    def outcomes(self) -> Counter[Outcome]:
        """The number of inputs by outcome."""
        return Counter(verdict.outcome for verdict in self.verdicts.values())

    @property
    def counts(self) -> dict[str, int]:
        """The number of inputs by outcome, with those that were left out before a vote."""
        named = ("kept", "refused", "disagreed", "failed")
        found = {name: self.outcomes.get(name, 0) for name in named}  # type: ignore[call-overload]
        return found | {"near_duplicates": self.pool.near_duplicates, "repeated": self.pool.repeated}

    @property
    def usage(self) -> Usage:
        """The sum over all draws of the votes, whether new or from the journal."""
        return Usage.total(verdict.usage for verdict in self.verdicts.values())

    @property
    def accepted(self) -> tuple[int, int]:
        """The labels, and the inputs that were judged by votes."""
        judged = sum(self.outcomes[name] for name in ("kept", "refused", "disagreed"))
        kept = self.outcomes["kept"]
        return kept, judged

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """The most frequent reasons of refusals with their numbers of inputs, at most three."""
        return Counter(one.reason for one in self.verdicts.values() if one.outcome == "refused").most_common(3)

    @property
    def labels(self) -> list[TrainingExample]:
        """The labels in the order of the inputs, then those of other inputs, as the teacher or a person left them."""
        return [*(self.examples[one.id] for one in self.pool.inputs if one.id in self.examples), *self.others]

    @property
    def content(self) -> ExampleFile:
        """The content of the file: the labels, as a person decided if one did, and the counts."""
        kept = [label for one in self.labels if (label := self.reviews.apply(one)) is not None]
        known = {one.id: one.messages for one in self.pool.inputs} | {one.id: one.messages for one in self.others}
        decisions = (self.reviews.find(name, messages) for name, messages in known.items())
        by_person = Counter(decision.decision for decision in decisions if decision is not None)
        return ExampleFile(replace(self.header, counts={**self.counts, "kept": len(kept), **by_person}), tuple(kept))


def open_labelling(path: Path, teacher: Teacher, chain: str, pool: InputPool) -> Labelling:
    """Return the labelling with the labels that an earlier command has left in the file; the file is made if missing.

    Args:
        path: the file.
        teacher: the teacher.
        chain: the name of the chain.
        pool: the inputs.

    Raises:
        InputError: the file cannot be read or written.
        UsageError: it has labels by another teacher or of another prompt.
    """
    header = ExampleHeader(
        step=teacher.step.name,
        chain=chain,
        prompt_sha256=digest_step(teacher.step),
        teacher=teacher.name,
        votes=teacher.votes,
        agree=teacher.agree,
    )
    labelling = Labelling(path, header, pool, ReviewFile(path))
    if not path.exists():
        create_example_file(path, header)
        return labelling
    found = read_examples(path)
    if replace(found.header, counts={}) != header:
        raise UsageError(
            f"{path} has labels of {_describe(found.header)}, but this command makes labels of {_describe(header)}; "
            "move the file away, or give --out FOLDER"
        )
    messages = {one.id: one.messages for one in pool.inputs}
    sent = {one.messages for one in pool.inputs}
    kept = {one.id: one for one in found.examples if messages.get(one.id) == one.messages}
    labelling.examples.update(kept)
    # An input may have become a case with gold values since it was labelled.
    known = sent | pool.judged
    others = [one for one in found.examples if one.messages not in known and one.id not in messages]
    labelling.others = tuple(others)
    return labelling


def _describe(header: ExampleHeader) -> str:
    prompt = f"prompt {header.prompt_sha256[:8]}"
    return f"{header.chain}.{header.step} by {header.teacher}, {header.agree} of {header.votes} votes, {prompt}"


def run_labelling(
    labelling: Labelling, teacher: Teacher, on_finished: Callable[[Labelling], None] = lambda labelling: None
) -> None:
    """Label the inputs that have no label yet. Each label is in the file as soon as it is there.

    An exhausted budget, and an error after which no call can succeed, stop the labelling; the error is
    its `stopped`. At the end the file is in the order of the inputs and has the counts.

    Args:
        labelling: the labelling, which is changed.
        teacher: the teacher.
        on_finished: called after each input.

    Raises:
        InputError: the file cannot be written.
    """
    before = teacher.llm.total_usage
    event_loop.run_sync(_run(labelling, teacher, on_finished))
    labelling.spent += teacher.llm.total_usage - before
    labelling.save()


async def _run(labelling: Labelling, teacher: Teacher, on_finished: Callable[[Labelling], None]) -> None:
    groups = dict(zip((one.id for one in labelling.pool.inputs), labelling.pool.groups, strict=True))
    queue = iter(labelling.pool.inputs)

    async def work() -> None:
        for given in queue:
            if labelling.stopped is not None:
                return
            try:
                await _label(labelling, teacher, given, groups[given.id])
            except (BudgetExhausted, CallFailed) as error:
                # The others end by themselves: what they have paid for may complete their labels.
                labelling.stopped = error
                return
            on_finished(labelling)

    workers = min(teacher.llm.limits.concurrency, len(labelling.pool.inputs))
    await gather([work() for _ in range(workers)])


async def _label(labelling: Labelling, teacher: Teacher, given: StepInput, group: str) -> None:
    """Add the outcome for one input to a labelling, and its label to the file."""
    if given.id in labelling.examples:
        labelling.verdicts[given.id] = Verdict("kept", labelling.examples[given.id].reply)
    elif labelling.reviews.is_dropped(given.id, given.messages):
        # Its label is not in the file, and needs no vote.
        labelling.verdicts[given.id] = Verdict("kept")
    elif fault := find_fault(TrainingExample(given.id, given.messages, "-", group)):
        # Known before anything is paid.
        labelling.verdicts[given.id] = Verdict("refused", reason=fault)
    else:
        example, verdict = _to_example(given, await vote(teacher, given), group)
        if example is not None:
            append_example(labelling.path, example)
            labelling.examples[given.id] = example
        labelling.verdicts[given.id] = verdict


def _to_example(given: StepInput, verdict: Verdict, group: str) -> tuple[TrainingExample | None, Verdict]:
    """Return the example of a label; None, and the outcome with the reason, if nothing should be trained on it."""
    if verdict.outcome != "kept":
        return None, verdict
    example = TrainingExample(given.id, given.messages, verdict.reply, group)
    if fault := find_fault(example):
        return None, replace(verdict, outcome="refused", reply="", reason=fault)
    return example, verdict
