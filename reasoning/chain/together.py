"""Batch runs with one result: all inputs of files as one list, for a chain that merges what it finds in each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reasoning.chain.chain import Chain
from reasoning.chain.inputs import MAX_INPUT_CHARS, ChainInput, InputFormat, read_inputs
from reasoning.chain.step import Step
from reasoning.errors import UsageError
from reasoning.files import atomic_write
from reasoning.kinds import Items, Json, Text
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.tables import Table, escape_csv
from reasoning.text_safety import dump_json


def read_together(
    files: Sequence[str], chain: Chain, input_format: InputFormat | None = None, max_chars: int = MAX_INPUT_CHARS
) -> tuple[Problem, list[ChainInput]]:
    """Return the problem whose only input is the list of all inputs in files, and the inputs that are invalid.

    Args:
        files: paths, as for `read_inputs`. A row of a table has the input in the column that is named
            like an item of the chain's list.
        chain: a chain whose only input is a list that a step goes through with `for_each`.
        input_format: the format of all files; by default it follows from their suffixes.
        max_chars: the most characters of one input.

    Raises:
        UsageError: the chain's input is not such a list, or the files hold no valid input.
    """
    name, item = _list_and_item(chain)
    single = Chain(Step("item", Prompt(input=f"{{{item}}}")), name=chain.name, inputs={item: Text(whole=True)})
    inputs = list(read_inputs(files, single, input_format, max_chars))
    texts = [one.problem.inputs[item] for one in inputs if one.problem is not None]
    invalid = [one for one in inputs if one.problem is None]
    if not texts:
        raise UsageError(invalid[0].error if invalid else f"no inputs in {', '.join(files)}")
    # A chain's input may be of any kind; a list is one of the kind JSON.
    inputs_by_name: dict[str, Any] = {name: texts}
    return Problem(f"{len(texts)} inputs", inputs=inputs_by_name), invalid


def _list_and_item(chain: Chain) -> tuple[str, str]:
    """Return the name of the chain's only input and that of its items."""
    names = sorted(chain.input_names)
    items = [step.loop[0] for step in chain.steps if step.loop and [step.loop[1]] == names]
    if not items or not isinstance(chain.kind_of(names[0]), Items | Json):
        raise UsageError(
            f"--together needs a chain with one input, a list that a step goes through with for_each, such as "
            f"telecom_feedback/batch.toml; the chain {chain.name!r} has the inputs {', '.join(names)}"
        )
    return names[0], items[0]


def report_replies(chain: Chain, on_reply: Callable[[str], None]) -> Chain:
    """Return the chain with a function that is called with the name of a step for each reply to it.

    The calls and their draws stay the same.
    """

    def counted(step: Step) -> Callable[[str, Mapping[str, Any]], Any]:
        def parse(text: str, values: Mapping[str, Any]) -> Any:
            on_reply(step.name)
            return None if step.parse is None else step.parse(text, values)

        return parse

    for step in chain.steps:
        if step.prompt is not None:
            chain = chain.with_step(step.name, parse=counted(step))
    return chain


def as_table(value: Any) -> Table | None:
    """Return a list of objects as a table; None for any other value."""
    if not isinstance(value, list | tuple) or not value or not all(isinstance(row, dict) for row in value):
        return None
    header = tuple(dict.fromkeys(str(key) for row in value for key in row))
    rows = [[_cell(row.get(key)) for key in header] for row in value]
    numbers = {key for key in header if all(isinstance(row.get(key), int | float) for row in value)}
    leading = next((index for index, key in enumerate(header) if key in numbers), len(header))
    return Table(header, rows, text_columns=len(header) if numbers and leading < len(header) - 1 else leading)


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else dump_json(value, default=str)


def write_value(path: Path, value: Any) -> None:
    """Write a value: a list of objects as CSV if the file is called so, anything else as JSON lines.

    Raises:
        InputError: the file cannot be written.
    """
    table = as_table(value)
    if path.suffix.lower() == ".csv" and table is not None:
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(table.header)
        writer.writerows([[escape_csv(cell) for cell in row] for row in table.rows])
        atomic_write(path, out.getvalue())
    else:
        rows = value if isinstance(value, list | tuple) else [value]
        atomic_write(path, "".join(dump_json(row, default=str) + "\n" for row in rows))
