"""Files of worked examples that a technique has made: TOML that people can read, edit and share."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reasoning.errors import UsageError
from reasoning.files import atomic_write
from reasoning.strategies.demonstrations.worked_example import WorkedExample
from reasoning.text_safety import strip_control, to_line

if TYPE_CHECKING:
    from tomlkit.items import Item, Table


def write_examples(
    path: str | Path, examples: Sequence[WorkedExample], *, name: str = "demonstrations", comment: str = ""
) -> None:
    """Write worked examples to a file that `read_examples` reads and `demonstrations=` takes.

    What is read back equals what was written, except that texts lose the white space around them
    and lone surrogates become question marks. Control characters are escaped, so that the file can
    be printed.

    Args:
        path: the file, which is replaced; its folder must exist.
        examples: the worked examples, at least one.
        name: the name of their set in the file.
        comment: lines for the top of the file, such as the model and the cost.

    Raises:
        UsageError: there are no examples.
        InputError: the file cannot be written.
    """
    import tomlkit

    if not examples:
        raise UsageError(f"{path}: at least one worked example must be given to write, got none")
    document = tomlkit.document()
    for line in comment.splitlines():
        document.add(tomlkit.comment(to_line(line)))
    tables = tomlkit.aot()
    for example in examples:
        tables.append(_table(example))
    document.add(name, tables)
    atomic_write(Path(path), document.as_string())


def _table(example: WorkedExample) -> Table:
    import tomlkit

    table = tomlkit.table()
    for field in dataclasses.fields(example):
        value = getattr(example, field.name)
        if isinstance(value, str) and value.strip():
            table.add(field.name, _string(value.strip()))
        elif not isinstance(value, str) and value:
            entries = tomlkit.array().multiline(field.name == "steps")
            for entry in value:
                if isinstance(entry, str):
                    entries.append(_string(entry, one_line=True))
                else:
                    step = tomlkit.inline_table()
                    step.update({key: _string(text, one_line=True) for key, text in vars(entry).items()})
                    entries.append(step)
            table.add(field.name, entries)
    return table


def _string(text: str, *, one_line: bool = False) -> Item:
    """Return a TOML string: over several lines if the text has some and no character must be hidden."""
    import tomlkit

    text = text.encode("utf-8", "replace").decode()
    if "\n" in text and not one_line and strip_control(text) == text:
        escaped = text.replace("\\", "\\\\").replace('"""', '""\\"')
        return tomlkit.value(f'"""\n{escaped}\n"""')
    return tomlkit.value(f'"{"".join(map(_escape, text))}"')


def _escape(character: str) -> str:
    if strip_control(character) != character or character == "\x7f":
        return f"\\U{ord(character):08x}"
    return json.dumps(character, ensure_ascii=False)[1:-1]
