"""The `Chain` strategy: steps in a directed acyclic graph, wired by the names that they read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.answer import Answer
from reasoning.branches import gather
from reasoning.card import Card
from reasoning.chain.cost import card, chain_calls_range
from reasoning.chain.diagram import Diagram, mermaid, outline
from reasoning.chain.execution import ChainRun
from reasoning.chain.graph import check_names, find_ancestors, find_dependencies, find_draw_keys
from reasoning.chain.named_inputs import read_values, show_values, to_problem
from reasoning.chain.step import Step
from reasoning.engine.budget import Budget
from reasoning.errors import UnknownName, UsageError, nearest
from reasoning.kinds import Kind, Text
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.registry import get
from reasoning.session import Session
from reasoning.strategy import Strategy

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.journal import Journal
    from reasoning.trace import Trace
    from reasoning.watching import Watch


@dataclass(frozen=True, repr=False, init=False)
class Chain(Strategy):
    """A strategy of several steps, each of which reads inputs of the chain and results of other steps.

    A step starts as soon as everything that it reads is available; independent steps run
    concurrently. The value of the chain is the value of its last step; `Answer.steps` holds the
    values of all steps (those of an inner chain as "step.inner").

    A step whose value stays rejected ends the chain as `Unparsed`, a call that fails for good as
    `Failed`. The reason begins with the step's name, and `Answer.steps` keeps the results that do not
    depend on it. Running the chain again resumes there, because the earlier draws are in the journal:
    the draws of a step depend on the step and on what it reads, and on nothing else.

    Attributes:
        steps: the steps, in the order in which results are shown.
        name: the name of the chain in tables.
        inputs: the kinds of the inputs by name; prompts can then read no other name. None: every
            name that a step reads and no step provides is an input of the kind text.
        about: one line on what the chain does.

    Raises:
        UsageError: two steps have the same name, steps depend on each other, or no step or input
            provides a placeholder.

    Source:
        Prompt chaining: Wu et al. 2022, arXiv 2110.01691.

    Examples:
        >>> from reasoning import Chain, Prompt, Step, kinds
        >>> from reasoning.testing import ScriptedLLM
        >>> chain = Chain(
        ...     Step("issues", Prompt(input="List the issues: {feedback}"), returns=kinds.Items()),
        ...     Step("reply", Prompt(input="Reply to each: {issues}")),
        ... )
        >>> answer = chain.run("Slow and dear.", ScriptedLLM(["slow; dear", "Answer: We are sorry."]))
        >>> answer.value
        'We are sorry'
        >>> answer.steps["issues"]
        ('slow', 'dear')
    """

    steps: tuple[Step, ...]
    name: str
    inputs: Mapping[str, Kind] | None
    about: str

    def __init__(
        self, *steps: Step, name: str = "chain", inputs: Mapping[str, Kind] | None = None, about: str = ""
    ) -> None:
        for field, value in (("steps", steps), ("name", name), ("inputs", inputs), ("about", about)):
            object.__setattr__(self, field, value)
        check_names(steps, inputs)
        self.ancestors  # noqa: B018  # raises for steps that depend on each other

    @classmethod
    def load(cls, folder: str | Path, *, allow_code: bool = False, package: str | None = None) -> Chain:
        """Load a chain from its folder: `chain.toml`, a Markdown file for each prompt, and Python files.

        Args:
            folder: the folder, or one of the .toml files in it; or the name of a bundled chain, such as
                "telecom_feedback/batch.toml". An existing path comes first.
            allow_code: import the functions that the chain names. They run with your rights, so read
                code that others wrote first. The code of bundled chains is always allowed.
            package: the import name of the folder if it is an installed package; its functions are
                then imported from the modules of this package.

        Raises:
            InputError: the folder holds no valid chain; names the file and the line.
            UsageError: the chain names functions and `allow_code` is False.
        """
        from reasoning.chain.folder import load

        return load(Path(folder), "all" if allow_code or package else "trusted", package)

    def save(self, folder: str | Path) -> None:
        """Save the chain as a folder; `load` returns an equal chain.

        An existing `chain.toml` keeps its comments, its order and the spelling of unchanged values.
        Other files with the same names are overwritten.

        Raises:
            UsageError: a part of the chain cannot be stored in a folder, such as a lambda.
        """
        from reasoning.chain.folder_writer import save

        save(self, Path(folder))

    @cached_property
    def card(self) -> Card:  # type: ignore[override]  # a chain's card is made from its steps
        """The card of this chain; its calls range from one per step to all repairs and attempts."""
        return card(self)

    def calls_range(self) -> tuple[int, int]:
        """Return the minimum and the maximum number of calls for one problem. A list has at most 20 items here."""
        return chain_calls_range(self)

    def rounds_range(self) -> None:
        """Return None: the longest path of dependent calls is not computed."""

    def parameters(self) -> Iterator[tuple[str, Any]]:
        """Return an empty iterator: a spec cannot hold the steps of a chain, so it has no parameters."""
        return iter(())

    @cached_property
    def input_names(self) -> frozenset[str]:
        """The names of the inputs: the declared ones, or else every name that a step reads and no step provides."""
        read = frozenset[str]().union(*(step.dependencies for step in self.steps))
        return frozenset(self.inputs) if self.inputs is not None else read - {step.name for step in self.steps}

    @cached_property
    def dependencies(self) -> dict[str, frozenset[str]]:
        """The steps that each step reads, by the step's name."""
        return find_dependencies(self.steps)

    @cached_property
    def ancestors(self) -> dict[str, frozenset[str]]:
        """The steps that each step reads directly or through other steps, by the step's name."""
        return find_ancestors(self.dependencies)

    def step(self, name: str) -> Step:
        """Return the step with a name.

        Raises:
            UnknownName: no step has this name.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise UnknownName("step", name, [step.name for step in self.steps], f"of the chain {self.name!r}")

    def kind_of(self, name: str) -> Kind | None:
        """Return the kind of an input or of a step's result; None for an unknown name."""
        step = next((step for step in self.steps if step.name == name), None)
        if step is None:
            return Text(whole=True) if self.inputs is None else self.inputs.get(name)
        return self.kind_of(step.first_of[0]) if step.first_of else step.output_kind

    @property
    def output_kind(self) -> Kind | None:
        """The kind of the chain's value, which is the last step's."""
        return self.kind_of(self.steps[-1].name)

    def replace(self, **changes: Any) -> Chain:
        """Return a copy with some of `steps`, `name`, `inputs` and `about` changed.

        Raises:
            UnknownName: a name is not one of these parts.
        """
        parts = {"steps": self.steps, "name": self.name, "inputs": self.inputs, "about": self.about}
        for name in changes.keys() - parts.keys():
            raise UnknownName("part of a chain", name, parts)
        parts.update(changes)
        return Chain(*parts.pop("steps"), **parts)  # type: ignore[arg-type,misc]

    def with_step(self, name: str, **changes: Any) -> Chain:
        """Return a copy with one step changed.

        Args:
            name: the name of the step.
            **changes: new values of the step's fields.

        Raises:
            UsageError: no step has this name.
        """
        known = [step.name for step in self.steps]
        if name not in known:
            raise UsageError(f"no step {name!r}; did you mean {nearest(name, known) or known[0]!r}?")
        return self.replace(steps=tuple(replace(s, **changes) if s.name == name else s for s in self.steps))

    def with_prompts(self, change: Callable[[str, Prompt], Prompt]) -> Chain:
        """Return a copy with every prompt changed.

        Args:
            change: called with the step's name ("step.inner" for a step of an inner chain) and its
                prompt; returns the new prompt.
        """

        def changed(step: Step) -> Step:
            if step.chain is not None:
                inner = step.chain.with_prompts(lambda name, prompt: change(f"{step.name}.{name}", prompt))
                return replace(step, chain=inner)
            if step.prompt is None:
                return step
            prompt = change(step.name, step.prompt.replace(structured=step.structured))
            return replace(step, prompt=prompt, structured=prompt.structured)

        return self.replace(steps=tuple(map(changed, self.steps)))

    def with_strategies(self, change: Callable[[Strategy], Strategy]) -> Chain:
        """Return a copy with the strategy of every step changed, including the steps of inner chains."""

        def changed(step: Step) -> Step:
            if step.chain is not None:
                return replace(step, chain=step.chain.with_strategies(change))
            if not step.strategy:
                return step
            before = get(step.strategy)
            after = change(before)
            return step if after == before else replace(step, strategy=after)

        return self.replace(steps=tuple(map(changed, self.steps)))

    def as_variant_of(self, original: Strategy) -> Chain:
        """Return this chain with a digest of its prompts in its name, because results are grouped by the name."""
        parts: list[Any] = [(step.prompt, step.strategy) for step in self.steps]
        # The repr of a prompt does not have its titles.
        parts += [step.prompt.titles for step in self.steps if step.prompt is not None and step.prompt.titles]
        parts += [(step.name, "structured") for step in self.steps if step.structured]
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()
        return self.replace(name=f"{self.name.partition('#')[0]}#{digest[:6]}")

    def run(
        self,
        problem: Problem | str | Mapping[str, Any] | None = None,
        llm: LLM | str | None = None,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        sampling: Mapping[str, Any] | None = None,
        watch: Watch | None = None,
        series: str | None = None,
        **inputs: Any,
    ) -> Answer:
        """Run the chain on one set of inputs, from synchronous code: a script, a notebook or a thread.

        Args:
            problem: the inputs by name; a text, for a chain with one input; or a problem.
            llm: the model, or its name for `reasoning.connect`.
            epoch: the number of an independent repetition; each has its own draws.
            budget: the limit for these inputs, within the model's budget.
            sampling: as in `Strategy.run`; the parameters of a step override it.
            watch: as in `Strategy.run`; each step is a stage.
            series: as in `Strategy.run`.
            **inputs: the inputs by name, instead of `problem`. An input that is named like another
                argument is given in `problem`.

        Raises:
            UsageError: an input is missing or unknown, or no model is given.
            Exception: as for `Strategy.run`.

        Examples:
            >>> from reasoning import Chain, Prompt, Step
            >>> from reasoning.testing import ScriptedLLM
            >>> chain = Chain(Step("reply", Prompt(input="Reply in {language}: {text}")))
            >>> chain.run(text="Too slow.", language="French", llm=ScriptedLLM(["Answer: Pardon."])).value
            'Pardon'
            >>> chain.run({"text": "Too slow.", "langage": "French"}, ScriptedLLM([]))
            Traceback (most recent call last):
            reasoning.errors.UnknownName: unknown input 'langage' of the chain 'chain'; did you mean 'language'?
        """
        chosen, model = self._choose(problem, inputs), self._require(llm)
        return super().run(chosen, model, epoch=epoch, budget=budget, sampling=sampling, watch=watch, series=series)

    async def arun(
        self,
        problem: Problem | str | Mapping[str, Any] | None = None,
        llm: LLM | str | None = None,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        journal: Journal | None = None,
        trace: Trace | None = None,
        sampling: Mapping[str, Any] | None = None,
        watch: Watch | None = None,
        series: str | None = None,
        **inputs: Any,
    ) -> Answer:
        """Run the chain on one set of inputs, from asynchronous code on any event loop.

        Args:
            problem: as in `run`.
            llm: as in `run`.
            epoch: as in `run`.
            budget: as in `run`.
            journal: where draws are recorded, instead of the model's own journal.
            trace: as in `Strategy.arun`.
            sampling: as in `run`.
            watch: as in `Strategy.arun`.
            series: as in `run`.
            **inputs: as in `run`.
        """
        chosen, model = self._choose(problem, inputs), self._require(llm)
        return await super().arun(
            chosen,
            model,
            epoch=epoch,
            budget=budget,
            journal=journal,
            trace=trace,
            sampling=sampling,
            watch=watch,
            series=series,
        )

    def map(
        self,
        problems: Iterable[Problem | str | Mapping[str, Any]],
        llm: LLM | str,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        concurrency: int | None = None,
    ) -> list[Answer]:
        """Run the chain on many sets of inputs concurrently, as `Strategy.map`; each as in `run`."""
        chosen = self._to_problems(problems)
        return super().map(chosen, llm, epoch=epoch, budget=budget, concurrency=concurrency)

    async def amap(
        self,
        problems: Iterable[Problem | str | Mapping[str, Any]],
        llm: LLM | str,
        *,
        epoch: int = 0,
        budget: Budget | None = None,
        concurrency: int | None = None,
    ) -> list[Answer]:
        """Run the chain on many sets of inputs concurrently, from asynchronous code on any event loop."""
        chosen = self._to_problems(problems)
        return await super().amap(chosen, llm, epoch=epoch, budget=budget, concurrency=concurrency)

    def _choose(self, problem: Problem | str | Mapping[str, Any] | None, inputs: Mapping[str, Any]) -> Problem:
        """Return the problem of a call: its first argument, or its inputs by name."""
        if problem is not None and inputs:
            raise UsageError(f"give either a text, a problem or a mapping, or inputs by name ({', '.join(inputs)})")
        return self._to_problem(inputs if problem is None else problem)

    def _require(self, llm: LLM | str | None) -> LLM | str:
        if llm is None:
            raise UsageError(f"the chain {self.name!r} needs a model: llm=connect('local')")
        return llm

    def _to_problem(self, problem: Any) -> Problem:
        if not isinstance(problem, Mapping):
            return super()._to_problem(problem)
        return to_problem(self, problem)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        """Run the chain on the inputs of a problem."""
        values = read_values(self, problem)
        return await self.run_steps(values, show_values(self, values), session)

    async def run_steps(self, values: Mapping[str, Any], texts: Mapping[str, str], session: Session) -> Answer:
        """Run all steps on given inputs.

        Args:
            values: the inputs by name, as values of their kinds.
            texts: the same inputs as prompts show them.
            session: the session that draws replies.
        """
        run = ChainRun(self.steps, self.dependencies, self.ancestors, values, texts)
        branches = session.fork([step.name for step in self.steps], self._draw_keys)
        await gather([run.step(step, branch) for step, branch in zip(self.steps, branches, strict=True)])
        return run.answer()

    @cached_property
    def _draw_keys(self) -> Sequence[int]:
        return find_draw_keys(self.steps)

    def __repr__(self) -> str:
        return self.name

    def __str__(self) -> str:
        """Return the chain's inputs and its steps, one a line: what each reads, its source and its kind."""
        return outline(self)

    def diagram(self, answer: Answer | None = None) -> Diagram:
        """Return the chain as a Mermaid flowchart, which a notebook draws.

        Args:
            answer: an answer of this chain; each step then shows its result.

        Examples:
            >>> from reasoning import Chain, Prompt, Step
            >>> print(Chain(Step("word", Prompt(input="In one word: {text}"))).diagram())
            flowchart TD
              in_text(["text"])
              s_word["word<br>prompt → text"]
              in_text --> s_word
            <BLANKLINE>
        """
        return mermaid(self, answer)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.diagram()._repr_mimebundle_()
