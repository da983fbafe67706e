"""Single problems of a results folder: which strategies solved them, and what was asked and answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.errors import UnknownName, UsageError
from reasoning.tables import Table
from reasoning.text_safety import strip_control

if TYPE_CHECKING:
    import rich.table
    from rich.console import RenderableType
    from rich.text import Text

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("!", "yellow")}
_MAX_LETTERS = 40
"""Characters of a text that is shown in one line."""
_MAX_WIDTH = 20
"""Characters of a target or an answer in a terminal."""


def answer_matrix(folder: ResultsFolder, strategy: str | None = None) -> RenderableType:
    """Return a table of the problems, their targets, and each strategy's answers in numbered columns.

    Args:
        folder: the results.
        strategy: only this strategy; see `show_problem`.
    """
    from rich.console import Group
    from rich.text import Text

    specs = [_find_strategy(folder, strategy)] if strategy else folder.specs
    rows, styles = [], {}
    for place, (name, example) in enumerate(folder.examples.items()):
        answers = [_answer(folder.results.get(ResultKey(name, spec))) for spec in specs]
        rows.append((_short(name), _short(str(example.target)), *(text for text, _ in answers)))
        styles.update({(place, column): style for column, (_, style) in enumerate(answers, 2)})
    header = ("problem", "target", *(f"({number})" for number in range(1, len(specs) + 1)))
    widths = {0: _MAX_LETTERS, **dict.fromkeys(range(1, len(header)), _MAX_WIDTH)}
    table = Table(header, rows, text_columns=len(header), max_widths=widths, styles=styles)
    parts: list[RenderableType] = [Text(f"({number}) {spec}") for number, spec in enumerate(specs, 1)]
    parts += [Text(""), table]
    if (epochs := _count_epochs(folder)) > 1:
        parts.append(Text(f"\nthe first of {epochs} repetitions; --id shows all of a problem"))
    return Group(*parts)


def show_problem(folder: ResultsFolder, name: str, strategy: str | None = None) -> RenderableType:
    """Return one problem with every answer to it; with a strategy, also with its prompts and replies.

    Args:
        folder: the results.
        name: the problem's id, or the end of it.
        strategy: a spec, its name in the tables, or the beginning of a spec.

    Raises:
        UnknownName: there is no such problem or strategy.
        UsageError: several problems end so.
    """
    from rich.console import Group

    name = _find_problem(folder, name)
    specs = [_find_strategy(folder, strategy)] if strategy else folder.specs
    answers = (_answers(folder, name, spec, traces=strategy is not None) for spec in specs)
    return Group(_question(folder, name), *answers)


def side_by_side(folder: ResultsFolder, name: str, strategies: Sequence[str]) -> rich.table.Table:
    """Return one problem with these strategies side by side: their answers, prompts and replies.

    Args:
        folder: the results.
        name: the problem's id, or the end of it.
        strategies: as in `show_problem`.

    Raises:
        UnknownName: there is no such problem or strategy.
        UsageError: several problems end so.
    """
    from rich.table import Table as Grid

    name = _find_problem(folder, name)
    whole, columns = Grid.grid(), Grid.grid(padding=(0, 2), expand=True)
    for _ in strategies:
        columns.add_column(ratio=1, overflow="fold")
    columns.add_row(*(_answers(folder, name, _find_strategy(folder, spec), traces=True) for spec in strategies))
    whole.add_row(_question(folder, name))
    whole.add_row(columns)
    return whole


def _question(folder: ResultsFolder, name: str) -> Text:
    from rich.text import Text

    example = folder.examples[name]
    question, target = strip_control(example.problem.values()["problem"]), strip_control(str(example.target))
    return Text.assemble((strip_control(name), "bold"), f"\n{question}\n\n", ("target  ", "bold"), target)


def _answers(folder: ResultsFolder, name: str, spec: str, *, traces: bool) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for result in _repetitions(folder, name, spec):
        repetition = f" (repetition {result.epoch + 1})" if result and result.epoch else ""
        parts.append(Text.assemble((f"{spec}{repetition}  ", "bold"), _answer(result), _parsing(result)))
        if traces and result:
            trace = folder.trace(name, spec, result.epoch)
            parts += [Text(""), trace.tree() if trace else Text("no trace was recorded")]
    return Group(*parts)


def _repetitions(folder: ResultsFolder, name: str, spec: str) -> list[Result | None]:
    """Return the results of a strategy on a problem; a list of None if it was not run."""
    found = [folder.results.get(ResultKey(name, spec, epoch)) for epoch in range(_count_epochs(folder))]
    return [found[0], *(one for one in found[1:] if one is not None)]


def _count_epochs(folder: ResultsFolder) -> int:
    return 1 + max((key.epoch for key in folder.results), default=0)


def _answer(result: Result | None) -> tuple[str, str]:
    """Return an answer with its mark, and its `rich` style."""
    if result is None:
        return "·", "dim"
    mark, style = _MARKS[result.correct]
    return f"{mark} {_short(result.value if result.value is not None else result.state)}", style


def _parsing(result: Result | None) -> str:
    """Return the rule that parsed the answer, or why there is no answer, and the votes."""
    if result is None:
        return "  not run"
    text = f"  ({result.rule or result.reason})" if result.rule or result.reason else ""
    if result.votes:
        text += "  votes: " + ", ".join(f"{candidate} × {count}" for candidate, count in result.votes)
    return strip_control(text)


def _find_problem(folder: ResultsFolder, name: str) -> str:
    """Return the id, or the only id that ends so."""
    if name in folder.examples:
        return name
    found = [one for one in folder.examples if one.endswith(name)]
    if len(found) > 1:
        raise UsageError(f"{len(found)} problems end with {name!r}, such as {found[0]!r} and {found[1]!r}")
    if not found:
        raise UnknownName("problem", name, folder.examples, f"in {folder.folder}")
    return found[0]


def _find_strategy(folder: ResultsFolder, spec: str) -> str:
    """Return the spec, the spec of this name in a table, or the only spec that begins so."""
    if spec in folder.specs:
        return spec
    if named := [one for one, name in ShortNames.of(folder.specs).by_spec.items() if name == spec]:
        return named[0]
    found = [one for one in folder.specs if one.startswith(spec)]
    if len(found) != 1:
        raise UnknownName("strategy", spec, folder.specs, f"in {folder.folder}")
    return found[0]


def _short(text: str) -> str:
    """Return text as one short line."""
    line = " ".join(strip_control(text[:200]).split())
    return line if len(line) <= _MAX_LETTERS else f"{line[: _MAX_LETTERS - 1]}…"
