"""A results folder, opened: who solved which problem, and what was said on one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.summary_table import bare
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.display import strip_control
from reasoning.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("!", "yellow")}


def answer_matrix(store: ResultsFolder, strategy: str | None = None) -> RenderableType:
    """The problems with their targets, and each strategy's answer to them, in numbered columns: specs are long."""
    from rich.console import Group
    from rich.text import Text

    specs = [_strategy(store, strategy)] if strategy else store.specs
    table = bare()
    table.add_column("problem", no_wrap=True)
    table.add_column("target", overflow="ellipsis", no_wrap=True, max_width=20)
    for number in range(1, len(specs) + 1):
        table.add_column(f"({number})", overflow="ellipsis", no_wrap=True, max_width=20)
    for name, example in store.examples.items():
        answers = [_answer(store.results.get(ResultKey(name, spec))) for spec in specs]
        table.add_row(Text(_short(name)), Text(_short(str(example.target))), *answers)
    parts: list[RenderableType] = [Text(f"({number}) {spec}") for number, spec in enumerate(specs, 1)]
    parts += [Text(""), table]
    if (epochs := _epochs(store)) > 1:
        parts.append(Text(f"\nthe first of {epochs} repetitions; a problem that is opened shows them all"))
    return Group(*parts)


def show_problem(store: ResultsFolder, name: str, strategy: str | None = None) -> RenderableType:
    """One problem with every answer to it; with a strategy, what was asked and said."""
    from rich.console import Group

    name = _problem(store, name)
    specs = [_strategy(store, strategy)] if strategy else store.specs
    return Group(_asked(store, name), *(_said(store, name, spec, traces=strategy is not None) for spec in specs))


def side_by_side(store: ResultsFolder, name: str, strategies: Sequence[str]) -> Table:
    """One problem, and these strategies side by side: their answers, and what was asked and said."""
    from rich.table import Table

    name = _problem(store, name)
    whole, side = Table.grid(), Table.grid(padding=(0, 2), expand=True)
    for _ in strategies:
        side.add_column(ratio=1, overflow="fold")
    side.add_row(*(_said(store, name, _strategy(store, spec), traces=True) for spec in strategies))
    whole.add_row(_asked(store, name))
    whole.add_row(side)
    return whole


def _asked(store: ResultsFolder, name: str) -> Text:
    from rich.text import Text

    example = store.examples[name]
    question, target = strip_control(example.problem.values()["problem"]), strip_control(str(example.target))
    return Text.assemble((strip_control(name), "bold"), f"\n{question}\n\n", ("target  ", "bold"), target)


def _said(store: ResultsFolder, name: str, spec: str, *, traces: bool) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for result in _repetitions(store, name, spec):
        again = f" (repetition {result.epoch + 1})" if result and result.epoch else ""
        parts.append(Text.assemble((f"{spec}{again}  ", "bold"), _answer(result), _read(result)))
        if traces and result:
            trace = store.trace(name, spec, result.epoch)
            parts += [Text(""), trace.tree() if trace else Text("no trace was kept")]
    return Group(*parts)


def _repetitions(store: ResultsFolder, name: str, spec: str) -> list[Result | None]:
    """The results of a strategy on a problem; None for one that was not run."""
    found = [store.results.get(ResultKey(name, spec, epoch)) for epoch in range(_epochs(store))]
    return [found[0], *(one for one in found[1:] if one is not None)]


def _epochs(store: ResultsFolder) -> int:
    return 1 + max((key.epoch for key in store.results), default=0)


def _answer(result: Result | None) -> Text:
    from rich.text import Text

    if result is None:
        return Text("·", style="dim")
    mark, style = _MARKS[result.correct]
    said = result.value if result.value is not None else result.state
    return Text(f"{mark} {_short(said)}", style=style)


def _read(result: Result | None) -> str:
    """How the answer was read, or why there is none, and the votes."""
    if result is None:
        return "  not run"
    said = f"  ({result.rule or result.reason})" if result.rule or result.reason else ""
    if result.votes:
        said += "  votes: " + ", ".join(f"{candidate} × {count}" for candidate, count in result.votes)
    return strip_control(said)


def _problem(store: ResultsFolder, name: str) -> str:
    """The id itself, or the one id that ends so."""
    if name in store.examples:
        return name
    ending = [one for one in store.examples if one.endswith(name)]
    if len(ending) > 1:
        raise UsageError(f"{len(ending)} problems end with {name!r}, such as {ending[0]!r} and {ending[1]!r}")
    if not ending:
        raise UnknownName("problem", name, store.examples, f"in {store.folder}")
    return ending[0]


def _strategy(store: ResultsFolder, spec: str) -> str:
    """The spec itself, the one of this name in a table, or the one that begins so."""
    if spec in store.specs:
        return spec
    if named := [one for one, name in ShortNames.of(store.specs).by_spec.items() if name == spec]:
        return named[0]
    beginning = [one for one in store.specs if one.startswith(spec)]
    if len(beginning) != 1:
        raise UnknownName("strategy", spec, store.specs, f"in {store.folder}")
    return beginning[0]


def _short(text: str) -> str:
    """A line of a few words."""
    line = " ".join(strip_control(text[:200]).split())
    return line if len(line) <= 40 else f"{line[:39]}…"
