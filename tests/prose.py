"""The project's own sentences, read from source and pages: docstrings, comments, messages, help texts, documents.

Text that is sent to a model (prompts, demonstrations, instructions of kinds) is not prose of ours and is left out.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BANNED = re.compile(
    r"\b(?:whoever|nobody|somebody|so many|at most so|that there (?:is|are)|of one's own|(?-i:is none|are none)"
    r"|comes? to|goes on|at hand|makes no sense|told apart|tell apart|holds? to|held to"
    r"|doors?|waist|people's words|beside)\b",
    re.IGNORECASE,
)
"""Phrases that have a plainer equivalent. See CONTRIBUTING.md."""

SUMMARY = re.compile(r"(?:What|Which|How|Where|Whether|Those|That|Who|Whose|Whom)\b")
"""The beginnings of a docstring that has no subject or verb of its own."""

_FOLDERS = ("reasoning", "strategies", "benchmarks", "scripts", "tests")
_LINKS = ("reasoning/strategies/", "reasoning/benchmarks/")
_MODEL_TEXT = (
    "strategies/",
    "reasoning/kinds/",
    "benchmarks/chains/input_generation.py",
    "benchmarks/tasks/event_reports.py",
)
_PAGES = (
    "*.md",
    "docs/*.md",
    "docs/tutorials/*.md",
    "docs/how-to/*.md",
    "docs/reference/*.md",
    "docs/explanation/*.md",
    "docs/research/*.md",
)
_CODE = re.compile(r"```.*?```|`[^`\n]*`|^ {4}.*$|\]\([^)]*\)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """A phrase that the style forbids, and its place."""

    path: str
    line: int
    phrase: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.phrase}"


def find(root: Path, folders: tuple[str, ...] = _FOLDERS) -> list[Finding]:
    """Return every finding in the source folders and the pages below `root`."""
    found = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if not _is_python(path) or "tests/escapes/" in name or name.startswith(_LINKS):
                continue
            if name in ("tests/prose.py", "tests/test_prose.py"):
                continue
            found += _in_source(name, path.read_text(encoding="utf-8"))
    for pattern in _PAGES:
        for path in sorted(root.glob(pattern)):
            found += _in_page(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    return found


def _is_python(path: Path) -> bool:
    if path.suffix == ".py":
        return path.is_file()
    return path.suffix == "" and path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env python")


def _in_source(name: str, text: str) -> Iterator[Finding]:
    tree = ast.parse(text)
    docstrings = {id(node) for node in _docstrings(tree)}
    allowed = set() if not name.startswith(_MODEL_TEXT) else {id(part) for part in _message_parts(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_docstring = id(node) in docstrings
            if is_docstring and not name.startswith("tests/"):
                yield from _starts(name, node)
            if is_docstring or (not name.startswith(("tests/", *_MODEL_TEXT)) or id(node) in allowed):
                yield from _phrases(name, node.lineno, node.value)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from _phrases(name, token.start[0], token.string)


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """The docstrings of modules, classes and functions, and the texts under attributes and constants."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            for statement in body:
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                    yield statement.value


def _message_parts(tree: ast.Module) -> Iterator[ast.AST]:
    """The strings of errors that are raised and of help texts. A `StepperError` is sent to the model."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None and "StepperError" not in ast.dump(node.exc):
            yield from ast.walk(node.exc)
        elif isinstance(node, ast.keyword) and node.arg in ("help", "use_when", "avoid_when", "title", "summary"):
            yield from ast.walk(node.value)


def _starts(name: str, node: ast.Constant) -> Iterator[Finding]:
    if match := SUMMARY.match(str(node.value).strip()):
        yield Finding(name, node.lineno, f"a docstring begins with {match[0]!r}")


def _phrases(name: str, line: int, text: str) -> Iterator[Finding]:
    for match in BANNED.finditer(text):
        yield Finding(name, line + text.count("\n", 0, match.start()), match[0])


def _in_page(name: str, text: str) -> Iterator[Finding]:
    prose = _CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    yield from _phrases(name, 1, prose)
