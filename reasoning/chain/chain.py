"""A chain: steps that feed each other, as one strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from reasoning.answer import Answer
from reasoning.branches import gather
from reasoning.card import Card
from reasoning.chain import graph
from reasoning.chain.execution import Flow
from reasoning.chain.step import Step
from reasoning.chain.step_runner import strategy_of
from reasoning.errors import UnknownName, UsageError, nearest
from reasoning.kinds import Kind, Text
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategy import Strategy


@dataclass(frozen=True, repr=False, init=False)
class Chain(Strategy):
    """Steps that feed each other; each begins as soon as what it reads is there.

    The value of the chain is the last step's; `Answer.steps` has every step's (those of an inner chain as
    "step.inner"). A step that stays refused ends the chain as `Unparsed`, and a call that fails for good as `Failed`,
    with the step's name in the reason and everything that does not depend on it in `steps`. Running it again starts
    there, since the draws before are in the journal: the draws of a step depend on the step and on what it reads, and
    on nothing else.

    Attributes:
        steps: in the order in which results are shown.
        name: what tables call it.
        takes: its inputs, with their kinds: then no prompt can name anything else. None: whatever the steps name and no
            step gives is an input, a text.
        about: what it does, in a line.

    Raises:
        UsageError: two steps of one name, steps that wait for each other, or a placeholder that nothing provides.
    """

    steps: tuple[Step, ...]
    name: str
    takes: Mapping[str, Kind] | None
    about: str

    def __init__(
        self, *steps: Step, name: str = "chain", takes: Mapping[str, Kind] | None = None, about: str = ""
    ) -> None:
        for field, value in (("steps", steps), ("name", name), ("takes", takes), ("about", about)):
            object.__setattr__(self, field, value)
        if not steps:
            raise UsageError("a chain needs at least one step")
        names = [step.name for step in steps]
        if twice := next((one for place, one in enumerate(names) if one in names[:place]), None):
            raise UsageError(f"two steps are called {twice!r}")
        if takes is not None:
            for step in steps:
                for name in sorted(step.needs - {*names, *takes}):
                    near = nearest(name, [*names, *takes])
                    hint = f"; did you mean {{{near}}}?" if near else f"; there are {', '.join([*takes, *names])}"
                    raise UsageError(f"step {step.name!r}: nothing provides {{{name}}}{hint}")
            if both := takes.keys() & set(names):
                raise UsageError(f"{min(both)!r} is an input and a step")
        self.ancestors  # noqa: B018  # steps that wait for each other are refused here

    @classmethod
    def load(cls, folder: str | Path, *, allow_code: bool = False, package: str | None = None) -> Chain:
        """The chain that a folder holds: `chain.toml`, a Markdown file for each prompt, and code where it names some.

        Args:
            folder: the folder.
            allow_code: whether functions that it names may be imported. They run with the rights of whoever runs the
                chain: look at a stranger's first. Code of the chains that are shipped is known and needs no leave.
            package: the installed package that the folder is, whose modules it names.

        Raises:
            InputError: names the file and the line.
            UsageError: it names code, and that is not allowed.
        """
        from reasoning.chain.folder import load

        return load(Path(folder), "run" if allow_code or package else "known", package)

    def save(self, folder: str | Path) -> None:
        """Write the folder from which `load` makes an equal chain. Files of the same names are written over.

        Raises:
            UsageError: something in it has no form in a folder, such as a function without a name.
        """
        from reasoning.chain.folder_writer import save

        save(self, Path(folder))

    @cached_property
    def card(self) -> Card:  # type: ignore[override]  # a chain's card is made from its steps
        """The card of this chain: between one call a step and all its repairs."""
        from reasoning.chain.cost import card

        return card(self)

    def calls_range(self) -> tuple[int, int]:
        from reasoning.chain.cost import chain_calls_range

        return chain_calls_range(self)

    def rounds_range(self) -> None:
        return None  # how many steps wait for one another is not computed

    def parameters(self) -> Iterator[tuple[str, Any]]:
        """None: a chain is its steps."""
        return iter(())

    @cached_property
    def inputs(self) -> frozenset[str]:
        """The names that the steps use and no step gives; all that it takes, where that is said."""
        used = frozenset[str]().union(*(step.needs for step in self.steps))
        return frozenset(self.takes) if self.takes is not None else used - {step.name for step in self.steps}

    @cached_property
    def needs(self) -> dict[str, frozenset[str]]:
        """The steps that each step reads from."""
        names = {step.name for step in self.steps}
        return {step.name: step.needs & names for step in self.steps}

    @cached_property
    def ancestors(self) -> dict[str, frozenset[str]]:
        """All the steps that each step comes from."""
        return graph.ancestors(self.needs)

    def step(self, name: str) -> Step:
        """The step of that name.

        Raises:
            UnknownName: there is none.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise UnknownName("step", name, [step.name for step in self.steps], f"of the chain {self.name!r}")

    def kind_of(self, name: str) -> Kind | None:
        """What a name stands for in a prompt; None where there is no such name."""
        takes = Text(whole=True) if self.takes is None else self.takes.get(name)
        step = next((step for step in self.steps if step.name == name), None)
        if step is None:
            return takes
        return self.kind_of(step.join[0]) if step.join else step.gives

    @property
    def gives(self) -> Kind | None:
        """The kind of its value: the last step's."""
        return self.kind_of(self.steps[-1].name)

    def replace(self, **changes: Any) -> Chain:
        """A copy with some of `steps`, `name`, `takes` and `about` changed."""
        given = {"steps": self.steps, "name": self.name, "takes": self.takes, "about": self.about}
        for name in changes.keys() - given.keys():
            raise UnknownName("part of a chain", name, given)
        given.update(changes)
        return Chain(*given.pop("steps"), **given)  # type: ignore[arg-type,misc]

    def with_step(self, name: str, **changes: Any) -> Chain:
        """A copy in which one step is changed."""
        known = [step.name for step in self.steps]
        if name not in known:
            raise UsageError(f"no step {name!r}; did you mean {nearest(name, known) or known[0]!r}?")
        return self.replace(steps=tuple(replace(s, **changes) if s.name == name else s for s in self.steps))

    def with_prompts(self, change: Callable[[str, Prompt], Prompt]) -> Chain:
        """A copy in which every prompt is changed, by its step's name; that of an inner chain is "step.inner"."""

        def changed(step: Step) -> Step:
            if step.chain is not None:
                inner = step.chain.with_prompts(lambda name, prompt: change(f"{step.name}.{name}", prompt))
                return replace(step, chain=inner)
            return replace(step, prompt=change(step.name, step.prompt)) if step.prompt is not None else step

        return self.replace(steps=tuple(map(changed, self.steps)))

    def with_strategies(self, change: Callable[[Strategy], Strategy]) -> Chain:
        """A copy in which every strategy that answers a step is changed."""

        def changed(step: Step) -> Step:
            if step.chain is not None:
                return replace(step, chain=step.chain.with_strategies(change))
            if not step.by:
                return step
            before = strategy_of(step.by)
            after = change(before)
            return step if after == before else replace(step, by=after)

        return self.replace(steps=tuple(map(changed, self.steps)))

    async def solve(self, problem: Problem, session: Session) -> Answer:
        values = self._given(problem)
        return await self.through(values, {name: self._shown(name, value) for name, value in values.items()}, session)

    async def through(self, values: Mapping[str, Any], shown: Mapping[str, str], session: Session) -> Answer:
        """Run all steps.

        Args:
            values, shown: the inputs, as values and as texts.
            session: the door to the model.
        """
        flow = Flow(self, dict(values), dict(shown))
        branches = session.fork([step.name for step in self.steps], self._asks)
        await gather([flow.step(step, branch) for step, branch in zip(self.steps, branches, strict=True)])
        return flow.answer()

    def _given(self, problem: Problem) -> dict[str, Any]:
        """What the problem provides; a chain with one input takes the question for it."""
        provided = {**problem.values(), **problem.inputs}
        missing = sorted(self.inputs - provided.keys())
        if len(missing) == 1 and len(self.inputs) == 1:
            provided = {missing[0]: problem.question}
        elif missing:
            raise UsageError(f"the chain {self.name!r} needs the input {missing[0]!r}: Problem(…, inputs={{…}})")
        return {name: self._read(name, provided[name]) for name in sorted(self.inputs)}

    def _read(self, name: str, given: Any) -> Any:
        """An input as its kind has it."""
        kind = self.kind_of(name)
        if isinstance(kind, Text) or kind is None:
            return given
        try:
            return kind.target(given)
        except UsageError as error:
            raise UsageError(f"the input {name!r} of the chain {self.name!r}: {error}") from None

    def _shown(self, name: str, value: Any) -> str:
        kind = self.kind_of(name)
        return value if isinstance(value, str) or kind is None else kind.show(value)

    @cached_property
    def _asks(self) -> Sequence[int]:
        """Of each step the first that asks the same: those must not share their draws."""

        def asked(step: Step) -> Any:
            return (step.prompt, step.chain, step.model) if step.prompt or step.chain else step.name

        return [next(i for i, other in enumerate(self.steps) if asked(other) == asked(one)) for one in self.steps]

    def __repr__(self) -> str:
        return self.name

    def _repr_html_(self) -> str:
        return self.drawn()

    def drawn(self, answer: Answer | None = None) -> str:
        """The chain as an SVG picture; with an answer, each step's result is on it."""
        from reasoning.chain.diagram import svg

        return svg(self, answer)
