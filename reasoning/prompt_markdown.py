"""Prompts as Markdown files, with their sections as headings.

Level 1 names the section, level 2 its parts: `# Constraints` with `## Do` and `## Don't`,
`# Examples` with `## Input`, `## Reasoning` and `## Output` for each example. A line of text that
begins like a heading is escaped with a backslash, `\\# …`; so is an empty line at the beginning or
the end of a text. A comment, `<!-- … -->`, that begins at the beginning of a line is not sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from reasoning.errors import InputError, UsageError, nearest
from reasoning.prompts import Demonstration, Form, Prompt, Turns

_PARTS: dict[str, dict[str, str]] = {
    "Objective and persona": {"Objective": "objective", "Persona": "persona"},
    "Instructions": {},
    "Constraints": {"Do": "dos", "Don't": "donts"},
    "Context": {},
    "Output format": {},
    "Examples": {"Input": "input", "Reasoning": "reasoning", "Output": "output"},
    "Input": {},
    "Recap": {},
}
"""The sections in their order in a file, with their parts and the prompt's field of each part."""

_ESCAPABLE = {levels: re.compile(rf"\\*(?:#{{1,{levels}}}[ \t]|<!--|[ \t]*$)") for levels in (1, 2)}
_COMMENT, _COMMENT_END = "<!--", "-->"


def to_markdown(prompt: Prompt) -> str:
    """Return the Markdown text of a prompt.

    Raises:
        UsageError: the prompt contains \\r, which a text file does not keep.
    """
    blocks: list[str] = []
    for section, parts in _PARTS.items():
        if section == "Examples":
            inner = [block for example in prompt.examples for block in _example(example)]
        elif parts:
            inner = [f"## {part}\n\n{text}" for part, name in parts.items() if (text := _part(getattr(prompt, name)))]
        else:
            text = _escaped(getattr(prompt, section.lower().replace(" ", "_")), 1)
            inner = [text] if text or section == "Input" else []
        if inner:
            blocks += [f"# {section}", *inner]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _example(example: Demonstration) -> Iterator[str]:
    for part, name in _PARTS["Examples"].items():
        text = _escaped(getattr(example, name), 2)
        if text or part != "Reasoning":
            yield f"## {part}" + (f"\n\n{text}" if text else "")


def _part(value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return _escaped(value, 2)
    return "\n".join("- " + _indented(_escaped(item, 2) or "\\") for item in value)


def _indented(text: str) -> str:
    first, *more = text.split("\n")
    return "\n".join([first, *(f"  {line}" if line else "" for line in more)])


def _escaped(text: str, levels: int) -> str:
    if not text:
        return ""
    if "\r" in text:
        raise UsageError(f"the lines of a prompt's file must end with \\n, got \\r in {text!r:.60}")
    lines = text.split("\n")
    inner = range(*_inner(lines))
    return "\n".join(
        f"\\{line}" if _ESCAPABLE[levels].match(line) and (line.strip(" \t") or index not in inner) else line
        for index, line in enumerate(lines)
    )


def _inner(lines: Sequence[str]) -> tuple[int, int]:
    """Return the range from the first line that is not blank to the last one."""
    filled = [index for index, line in enumerate(lines) if line.strip(" \t")]
    return (filled[0], filled[-1] + 1) if filled else (0, 0)


def _unescaped(lines: Sequence[str], levels: int) -> str:
    """Return the text of a file's lines, without blank lines around it and without escaping backslashes."""
    start, end = _inner(lines)
    escapable = _ESCAPABLE[levels]
    return "\n".join(line[1:] if line[:1] == "\\" and escapable.match(line) else line for line in lines[start:end])


@dataclass
class _Block:
    """The lines under one heading."""

    section: str
    part: str
    line: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return _unescaped(self.lines, 2 if _PARTS[self.section] else 1)


def from_markdown(
    text: str,
    path: Path,
    form: Form = "plain",
    turns: Turns = "chat",
    titles: Mapping[str, str] | tuple[tuple[str, str], ...] = (),
) -> Prompt:
    """Return the prompt of a Markdown text.

    Args:
        text: the text of a file.
        path: the file, for error messages.
        form: the form in which the prompt is rendered; see `Prompt`.
        turns: "chat" for system and user messages, "single" for one message; see `Prompt`.
        titles: other titles of sections; see `Prompt`.

    Raises:
        InputError: the text is not a prompt; names the file and the line.
    """
    fields: dict[str, Any] = {"form": form, "turns": turns, "titles": titles}
    blocks = list(_blocks(text, path))
    if not any(block.section == "Input" for block in blocks):
        last = text.rstrip().count("\n") + 1
        _wrong(path, last, "there is no input: add '# Input' and a text below it, such as {feedback}")
    for block in blocks:
        if block.section == "Examples" or (_PARTS[block.section] and not block.part):
            continue
        name = _PARTS[block.section].get(block.part) or block.section.lower().replace(" ", "_")
        fields[name] = _items(block, path) if name in ("dos", "donts") else block.text
    fields["examples"] = tuple(_examples([block for block in blocks if block.section == "Examples"], path))
    return Prompt(**fields)


def line_of(text: str, words: str) -> int:
    """Return the number of the first line with some text, such as "{name}"; 1 if no line has it."""
    position = text.find(words)
    return text.count("\n", 0, position) + 1 if position >= 0 else 1


def _blocks(text: str, path: Path) -> Iterator[_Block]:
    """Yield the block under each heading, in order. Only examples may repeat a heading."""
    seen: dict[tuple[str, str], int] = {}
    section, block = "", None
    comment = 0
    for number, line in enumerate(text.split("\n"), 1):
        if comment or line.startswith(_COMMENT):
            comment = 0 if _COMMENT_END in line else comment or number
            continue
        level = next((level for level in (1, 2) if line.startswith(("#" * level + " ", "#" * level + "\t"))), 0)
        if level == 1 or (level == 2 and section and _PARTS[section]):
            title = line[level:].strip(" \t#")
            if block is not None:
                yield block
            where = (path, number)
            if level == 1:
                section, part = _check_title(title, _PARTS, "section", where), ""
            else:
                part = _check_title(title, _PARTS[section], f"part of {section!r}", where)
            if (before := seen.get((section, part))) and (section != "Examples" or level == 1):
                raise InputError(f"{path}:{number}: {part or section!r} is repeated; it is already in line {before}")
            seen[section, part] = number
            block = _Block(section, part, number)
        elif block is not None:
            if line.strip(" \t") and _PARTS[section] and not block.part:
                _wrong(path, number, f"text outside of the parts of {section!r}: {' · '.join(_PARTS[section])}")
            block.lines.append(line)
        elif line.strip(" \t"):
            _wrong(path, number, f"text before the first heading, such as '# {next(iter(_PARTS))}'")
    if comment:
        _wrong(path, comment, f"this comment has no end: write {_COMMENT_END}")
    if block is not None:
        yield block


def _check_title(title: str, titles: dict[str, Any], what: str, where: tuple[Path, int]) -> str:
    folded = {_fold(known): known for known in titles}
    if (match := folded.get(_fold(title))) is not None:
        return match
    near = nearest(_fold(title), folded)
    hint = f"did you mean {folded[near]!r}?" if near else f"known: {' · '.join(titles)}"
    path, line = where
    raise InputError(
        f"{path}:{line}: unknown {what} {title!r}; {hint} (a line of text that begins with '#' is written '\\#')"
    )


def _fold(title: str) -> str:
    return title.casefold().replace("’", "'").replace("'", "").rstrip(":")


def _items(block: _Block, path: Path) -> tuple[str, ...]:
    items: list[list[str]] = []
    for number, line in enumerate(block.lines, block.line + 1):
        if line.startswith(("- ", "* ")) or line in ("-", "*"):
            items.append([line[2:]])
        elif line.startswith("  ") and items:
            items[-1].append(line[2:])
        elif not line.strip(" \t"):
            if items:
                items[-1].append("")
        else:
            _wrong(
                path,
                number,
                f"under {block.part!r} each line must begin with '- ', and a continued line with two spaces",
            )
    return tuple(_unescaped(item, 2) for item in items)


def _examples(blocks: Sequence[_Block], path: Path) -> Iterator[Demonstration]:
    """Yield an example for each `## Input`."""
    examples: list[dict[str, _Block]] = []
    for block in blocks:
        if not block.part:
            continue
        if block.part == "Input":
            examples.append({})
        elif not examples:
            _wrong(path, block.line, f"an example must begin with '## Input', got {block.part!r}")
        if block.part in examples[-1]:
            _wrong(path, block.line, f"this example has a second {block.part!r}; a new one begins with '## Input'")
        examples[-1][block.part] = block
    for example in examples:
        if "Output" not in example:
            _wrong(path, example["Input"].line, "this example has no '## Output'")
        yield Demonstration(**{part.lower(): block.text for part, block in example.items()})


def _wrong(path: Path, line: int, what: str) -> NoReturn:
    raise InputError(f"{path}:{line}: {what}")
