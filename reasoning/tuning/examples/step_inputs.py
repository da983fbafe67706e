"""The inputs of a chain's step from its cases and from files, as its prompt shows them at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reasoning.benchmarks.chains.cases import FOLDER, Case, is_case_file, read_case_file
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import CodeLoader, ImportPolicy
from reasoning.chain.inputs import read_inputs
from reasoning.chain.list_kind import show_item
from reasoning.chain.named_inputs import read_values
from reasoning.chain.step import Step
from reasoning.chain.step_runner import is_empty
from reasoning.chain.step_sources import first_turns
from reasoning.errors import InputError, UsageError
from reasoning.kinds import Text
from reasoning.messages import Message
from reasoning.strategies.demonstrations.near_duplicates import find_near_duplicates, group_near_duplicates
from reasoning.text_safety import to_line

_MAX_ID = 200
"""The most characters of an id that are kept."""


@dataclass(frozen=True)
class StepInput:
    """One input of a step: what it reads, and what it sends.

    Attributes:
        id: the name of the case, or file and line; with the number of the item if the step runs for
            each item of a list.
        values: what the step reads, by name.
        texts: the same as its prompt shows it.
        messages: the chat turns that it sends first.
        shown: what it reads as one text, by which near duplicates are found.
    """

    id: str
    values: Mapping[str, Any]
    texts: Mapping[str, str]
    messages: tuple[Message, ...]
    shown: str


class StepReader:
    """A reader of the inputs of one step.

    Args:
        chain: the chain.
        name: the name of the step.

    Attributes:
        chain: the chain.
        step: the step for a single input: it runs once, without a model of its own and without a fallback.

    Raises:
        UnknownName: no step has this name.
        UsageError: the step sends no prompt of its own, or reads nothing.
    """

    def __init__(self, chain: Chain, name: str) -> None:
        original = chain.step(name)
        if original.prompt is None:
            having = [step.name for step in chain.steps if step.prompt is not None and not step.strategy]
            raise UsageError(
                f"the step {name!r} must have a prompt, which a model can be trained on; "
                f"steps with one: {', '.join(having) or 'none'}"
            )
        if original.strategy:
            raise UsageError(
                f"the step {name!r} answers by the strategy {original.strategy}, which has prompts of its own; "
                "remove `strategy` from the step: a model that was trained on the strategy's answers needs none"
            )
        if not original.dependencies:
            raise UsageError(f"the step {name!r} must read something, such as an input of the chain")
        self.chain, self._loop, self._conditions = chain, original.loop, original.only_if
        self._names = sorted(original.dependencies)
        self._if_empty = original.if_empty
        self.step: Step = replace(original, for_each="", model=None, fallback=None)

    def from_values(self, name: str, values: Mapping[str, Any]) -> Iterator[StepInput]:
        """Yield the inputs that the step gets from what it reads: one for each item if it runs for each.

        It yields nothing if the step would not run: its condition fails, or what it reads is empty.

        Args:
            name: the id.
            values: what the step reads by name, and further values that its checks may read.
        """
        texts = {known: self._show(known, value) for known, value in values.items()}
        for condition, labels in self._conditions.items():
            if texts[condition].casefold() not in {label.casefold() for label in labels}:
                return
        if self._if_empty is not None and any(is_empty(values[needed]) for needed in self._names):
            return
        if self._loop is None:
            yield self._input(name, values, texts)
            return
        item_name, list_name = self._loop
        listed = values[list_name]
        for number, item in enumerate(listed.items() if isinstance(listed, Mapping) else listed, 1):
            with_item = {**values, item_name: item}
            yield self._input(f"{name}, item {number}", with_item, {**texts, item_name: show_item(item)})

    def from_case(self, case: Case) -> Iterator[StepInput]:
        """Yield the inputs of a case; none if it does not have what the step reads."""
        known = {**case.gold, **case.inputs}
        if known.keys() >= set(self._names):
            yield from self.from_values(case.id, known)

    def from_files(self, files: Sequence[str], on_invalid: Callable[[str], None]) -> Iterator[StepInput]:
        """Yield the inputs in files: rows with what the step reads by name, or texts if it reads one text.

        Args:
            files: the paths; see `reasoning.chain.inputs.read_inputs`.
            on_invalid: called with the reason why a row is no input.

        Raises:
            InputError: there is no such file, or it is a folder.
        """
        for file in files:
            path = Path(file).expanduser()
            if file != "-" and (path.is_dir() or not path.exists()):
                found = "is a folder" if path.is_dir() else "no such file"
                raise InputError(f"{file}: {found}; give a file with inputs of the step {self.step.name!r}")
        kinds = {name: self.chain.kind_of(name) or Text(whole=True) for name in self._names}
        alone = Chain(self.chain.step(self.step.name), name=f"{self.chain.name}.{self.step.name}", inputs=kinds)
        for row in read_inputs(files, alone):
            try:
                values = None if row.problem is None else read_values(alone, row.problem)
            except UsageError as error:
                on_invalid(f"{row.id}: {error}")
                continue
            if values is None:
                on_invalid(row.error)
            else:
                yield from self.from_values(row.id, values)

    def _show(self, name: str, value: Any) -> str:
        """Return a value as prompts show it: inputs of the chain, and results of steps by their kind."""
        kind = self.chain.kind_of(name)
        is_text = isinstance(value, str) and name in self.chain.input_names
        return str(value) if is_text or kind is None else kind.show(value)

    def _input(self, name: str, values: Mapping[str, Any], texts: Mapping[str, str]) -> StepInput:
        read = sorted(self.step.dependencies)
        shown = texts[read[0]] if len(read) == 1 else "\n".join(f"{one}: {texts[one]}" for one in read)
        return StepInput(name, values, texts, first_turns(self.step, texts).messages, shown)


def read_case_inputs(reader: StepReader, folder: Path, policy: ImportPolicy) -> tuple[list[StepInput], list[StepInput]]:
    """Return the inputs of a step in the cases of a chain's folder.

    Args:
        reader: the reader of the step.
        folder: the chain's folder, or a .toml file in it.
        policy: the import policy for the functions that checks name.

    Returns:
        The inputs of cases without gold values and checks, and those of the other cases, which judge
        the chain.
    """
    home = folder if folder.is_dir() else folder.parent
    code = CodeLoader(home, policy)
    unlabelled: list[StepInput] = []
    judged: list[StepInput] = []
    for path in sorted(path for path in (home / FOLDER).glob("*") if is_case_file(path)):
        for case in read_case_file(path, reader.chain, code):
            if case.gold or case.checks:
                judged += reader.from_case(case)
            elif case.step in (None, reader.step.name):
                unlabelled += reader.from_case(case)
    return unlabelled, judged


@dataclass(frozen=True)
class InputPool:
    """The inputs to label.

    Attributes:
        inputs: the inputs, without repetitions and near duplicates of judged ones; each id is unique.
        groups: the group of each input: near duplicates are in one.
        near_duplicates: the number of inputs that were left out as near duplicates of judged ones.
        repeated: the number of inputs that were left out as equal to an earlier one.
        judged: the messages of the judged inputs and of their near duplicates, which must not be trained on.
    """

    inputs: tuple[StepInput, ...]
    groups: tuple[str, ...]
    near_duplicates: int
    repeated: int
    judged: frozenset[tuple[Message, ...]] = frozenset()


def choose_inputs(inputs: Iterable[StepInput], judged: Sequence[StepInput], limit: int | None = None) -> InputPool:
    """Return the inputs to label: the first ones that neither repeat nor nearly duplicate others.

    Args:
        inputs: the inputs.
        judged: the inputs of cases with gold values, by which a trained model is judged.
        limit: the largest number of inputs; None and 0 are all.
    """
    every = list(inputs)
    distinct: dict[tuple[Message, ...], StepInput] = {}
    for one in every:
        distinct.setdefault(one.messages, one)
    candidates = list(distinct.values())
    near = find_near_duplicates([one.shown for one in candidates], [one.shown for one in judged])
    kept = [one for index, one in enumerate(candidates) if index not in near][: limit or None]
    used: dict[str, int] = {}
    named = []
    for one in kept:
        name = to_line(one.id)[:_MAX_ID]
        used[name] = used.get(name, 0) + 1
        named.append(replace(one, id=name if used[name] == 1 else f"{name} ({used[name]})"))
    groups = [named[first].id for first in group_near_duplicates([one.shown for one in named])]
    excluded = frozenset([*(one.messages for one in judged), *(candidates[index].messages for index in near)])
    return InputPool(tuple(named), tuple(groups), len(near), len(every) - len(distinct), excluded)
