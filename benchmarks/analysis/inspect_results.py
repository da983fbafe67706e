"""Views of single problems in a results folder: the answers of each strategy, its prompts and its replies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.errors import UnknownName, UsageError
from reasoning.images import Image
from reasoning.tables import Document, Table
from reasoning.text_safety import strip_control

if TYPE_CHECKING:
    import rich.table
    from rich.console import RenderableType
    from rich.text import Text

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("!", "yellow")}
_MAX_LETTERS = 40
"""The most characters of a text that is shown in one line."""
_MAX_WIDTH = 20
"""The most characters of a target or an answer in a terminal."""


def answer_matrix(folder: ResultsFolder, strategies: Sequence[str] = ()) -> Document:
    """Return a table of the problems, their targets, and each strategy's answers in numbered columns.

    Args:
        folder: the results.
        strategies: only these; see `show_problem`.
    """
    specs = [_find_strategy(folder, strategy) for strategy in strategies] or folder.specs
    rows, styles = [], {}
    for index, (name, example) in enumerate(folder.examples.items()):
        answers = [_answer(folder.results.get(ResultKey(name, spec))) for spec in specs]
        rows.append((" ".join(name[-200:].split()), _short(str(example.target)), *(text for text, _ in answers)))
        styles.update({(index, column): style for column, (_, style) in enumerate(answers, 2)})
    header = ("problem", "target", *(f"({number})" for number in range(1, len(specs) + 1)))
    widths = {0: _MAX_LETTERS, **dict.fromkeys(range(1, len(header)), _MAX_WIDTH)}
    table = Table(header, rows, text_columns=len(header), max_widths=widths, styles=styles)
    legend = "\n".join(f"({number}) {spec}" for number, spec in enumerate(specs, 1))
    epochs = _count_epochs(folder)
    return Document(
        [legend, table, f"the first of {epochs} repetitions; --id shows all of a problem" if epochs > 1 else ""]
    )


def answer_table(folder: ResultsFolder, name: str, strategies: Sequence[str] = ()) -> Document:
    """Return one problem and a table of the answers to it, without prompts and replies; see `show_problem`."""
    name, results = _select(folder, name, strategies)
    rows = []
    for spec, result in results:
        if result is None:
            rows.append((spec, "1", "not run", "", "", "", ""))
            continue
        correct = {True: "yes", False: "no", None: ""}[result.correct]
        votes = ", ".join(f"{candidate} × {count}" for candidate, count in result.votes)
        parsing = result.rule or result.reason
        rows.append((spec, str(result.epoch + 1), result.state, result.value or "", correct, parsing, votes))
    header = ("strategy", "repetition", "state", "answer", "correct", "rule or reason", "votes")
    return Document([str(_question(folder, name)), Table(header, rows, text_columns=len(header))])


def problem_to_json(folder: ResultsFolder, name: str, strategies: Sequence[str] = ()) -> dict[str, Any]:
    """Return one problem and the answers to it as plain data; with strategies, only theirs, with their traces."""
    name, results = _select(folder, name, strategies)
    answers = []
    for spec, result in results:
        answer: dict[str, Any] = {"strategy": spec, "state": "not run"}
        if result is not None:
            answer |= {
                "repetition": result.epoch + 1,
                "state": result.state,
                "value": result.value,
                "correct": result.correct,
                "rule": result.rule,
                "why": result.reason,
                "confidence": result.confidence,
                "votes": [list(vote) for vote in result.votes],
            }
            if strategies:
                trace = folder.trace(name, spec, result.epoch)
                answer["trace"] = None if trace is None else trace.to_json()
        answers.append(answer)
    example = folder.examples[name]
    question = example.problem.values()["problem"]
    shown = [Image.of(image).describe() for image in example.problem.images]
    asked = {"problem": name, "question": question, **({"images": shown} if shown else {})}
    return {**asked, "target": example.target, "answers": answers}


def _select(folder: ResultsFolder, name: str, strategies: Sequence[str]) -> tuple[str, list[tuple[str, Result | None]]]:
    """Return the id of a problem, and the results of these strategies or of all, each with its spec."""
    name = _find_problem(folder, name)
    specs = [_find_strategy(folder, strategy) for strategy in strategies] or folder.specs
    return name, [(spec, result) for spec in specs for result in _repetitions(folder, name, spec)]


def show_problem(folder: ResultsFolder, name: str, *strategies: str) -> RenderableType:
    """Return one problem with every answer to it; with strategies, only theirs, with their prompts and replies.

    Args:
        folder: the results.
        name: the problem's id, or a unique end of it.
        *strategies: specs, their names in the tables, or unique beginnings of specs.

    Raises:
        UnknownName: the problem or the strategy is unknown.
        UsageError: several ids have this end.
    """
    from rich.console import Group

    name = _find_problem(folder, name)
    specs = [_find_strategy(folder, strategy) for strategy in strategies] or folder.specs
    answers = (_answers(folder, name, spec, traces=bool(strategies)) for spec in specs)
    return Group(_question(folder, name), *answers)


def side_by_side(folder: ResultsFolder, name: str, strategies: Sequence[str]) -> rich.table.Table:
    """Return one problem with these strategies side by side: their answers, prompts and replies.

    Args:
        folder: the results.
        name: the problem's id, or a unique end of it.
        strategies: as in `show_problem`.

    Raises:
        UnknownName: the problem or a strategy is unknown.
        UsageError: several ids have this end.
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
    images = "".join(f"image: {strip_control(str(Image.of(image)))}\n" for image in example.problem.images)
    head = (strip_control(name), "bold"), f"\n{images and images + chr(10)}{question}\n\n"
    return Text.assemble(*head, ("target  ", "bold"), target)


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
    results = [folder.results.get(ResultKey(name, spec, epoch)) for epoch in range(_count_epochs(folder))]
    return [results[0], *(result for result in results[1:] if result is not None)]


def _count_epochs(folder: ResultsFolder) -> int:
    return 1 + max((key.epoch for key in folder.results), default=0)


def _answer(result: Result | None) -> tuple[str, str]:
    """Return an answer with its mark, and its `rich` style."""
    if result is None:
        return "·", "dim"
    mark, style = _MARKS[result.correct]
    return f"{mark} {_short(result.value if result.value is not None else result.state)}", style


def _parsing(result: Result | None) -> str:
    """Return the rule that parsed the answer, or the reason why it is missing, and the votes."""
    if result is None:
        return "  not run"
    text = f"  ({result.rule or result.reason})" if result.rule or result.reason else ""
    if result.votes:
        text += "  votes: " + ", ".join(f"{candidate} × {count}" for candidate, count in result.votes)
    return strip_control(text)


def _find_problem(folder: ResultsFolder, name: str) -> str:
    """Return the id, or the only id with this end."""
    if name in folder.examples:
        return name
    matches = [id_ for id_ in folder.examples if id_.endswith(name)]
    if len(matches) > 1:
        raise UsageError(f"{len(matches)} problems end with {name!r}, such as {matches[0]!r} and {matches[1]!r}")
    if not matches:
        raise UnknownName("problem", name, folder.examples, "" if folder.folder is None else f"in {folder.folder}")
    return matches[0]


def _find_strategy(folder: ResultsFolder, spec: str) -> str:
    return find_strategy(folder.specs, spec, "" if folder.folder is None else f"in {folder.folder}")


def find_strategy(specs: Sequence[str], spec: str, where: str) -> str:
    """Return the spec, the spec with this name in a table, or the only spec with this beginning.

    Args:
        specs: the known specs.
        spec: a spec, its name in a table, or its beginning.
        where: the place of the name, for the error.

    Raises:
        UnknownName: there is no such spec, or there are several.
    """
    specs = list(dict.fromkeys(specs))
    if spec in specs:
        return spec
    if named := [full for full, name in ShortNames.of(specs).by_spec.items() if name == spec]:
        return named[0]
    matches = [full for full in specs if full.startswith(spec)]
    if len(matches) != 1:
        raise UnknownName("strategy", spec, specs, where)
    return matches[0]


def _short(text: str) -> str:
    """Return text as one short line."""
    line = " ".join(strip_control(text[:200]).split())
    return line if len(line) <= _MAX_LETTERS else f"{line[: _MAX_LETTERS - 1]}…"
