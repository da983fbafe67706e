"""A results folder, opened: who solved which problem, and what was said on one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.result import Key, Result
from benchmarks.store import Store
from benchmarks.table import bare
from reasoning.display import plain
from reasoning.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("!", "yellow")}


def matrix(store: Store, strategy: str | None = None) -> RenderableType:
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
        answers = [_answer(store.results.get(Key(name, spec))) for spec in specs]
        table.add_row(Text(_short(name)), Text(_short(str(example.target))), *answers)
    return Group(*(Text(f"({number}) {spec}") for number, spec in enumerate(specs, 1)), Text(""), table)


def problem(store: Store, name: str, strategy: str | None = None) -> RenderableType:
    """One problem with every answer to it; with a strategy, what was asked and said."""
    from rich.console import Group
    from rich.text import Text

    name = _problem(store, name)
    example = store.examples[name]
    values = example.problem.values()
    parts: list[RenderableType] = [Text(plain(name), style="bold"), Text(plain(values["problem"])), Text("")]
    parts.append(Text.assemble(("target  ", "bold"), plain(str(example.target))))
    for spec in [_strategy(store, strategy)] if strategy else store.specs:
        for result in _repetitions(store, name, spec):
            again = f" (repetition {result.epoch + 1})" if result and result.epoch else ""
            parts.append(Text.assemble((f"{spec}{again}  ", "bold"), _answer(result), _read(result)))
            if strategy and result:
                trace = store.trace(name, spec, result.epoch)
                parts += [Text(""), trace.tree() if trace else Text("no trace was kept")]
    return Group(*parts)


def _repetitions(store: Store, name: str, spec: str) -> list[Result | None]:
    """The results of a strategy on a problem; None for one that was not run."""
    epochs = 1 + max((key.epoch for key in store.results), default=0)
    found = [store.results.get(Key(name, spec, epoch)) for epoch in range(epochs)]
    return [found[0], *(one for one in found[1:] if one is not None)]


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
    said = f"  ({result.how or result.why})" if result.how or result.why else ""
    if result.votes:
        said += "  votes: " + ", ".join(f"{candidate} × {count}" for candidate, count in result.votes)
    return plain(said)


def _problem(store: Store, name: str) -> str:
    """The id itself, or the one id that ends so."""
    if name in store.examples:
        return name
    ending = [one for one in store.examples if one.endswith(name)]
    if len(ending) > 1:
        raise UsageError(f"{len(ending)} problems end with {name!r}, such as {ending[0]!r} and {ending[1]!r}")
    if not ending:
        raise UnknownName("problem", name, store.examples, f"in {store.folder}")
    return ending[0]


def _strategy(store: Store, spec: str) -> str:
    """The spec itself, or the one that begins so."""
    if spec in store.specs:
        return spec
    beginning = [one for one in store.specs if one.startswith(spec)]
    if len(beginning) != 1:
        raise UnknownName("strategy", spec, store.specs, f"in {store.folder}")
    return beginning[0]


def _short(text: str) -> str:
    """A line of a few words."""
    line = " ".join(plain(text[:200]).split())
    return line if len(line) <= 40 else f"{line[:39]}…"
