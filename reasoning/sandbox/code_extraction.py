"""Functions that find the program in a reply, and the part of a program with its result."""

from __future__ import annotations

import ast
import re

from reasoning.kinds.code_blocks import find_code_blocks
from reasoning.sandbox.syntax import parse_source

_PYTHON = frozenset({"python", "py", "python3", "python2", "py3", "ipython"})
# A chat model's words for a block that it does not name otherwise.
_UNNAMED = frozenset({"", "code", "tool_code"})
_CODE_LINE = re.compile(
    r"(?:import [\w.]+.*|from [\w.]+ import .*|(?:def|class|for|while|if|with|try)\b.*:(?: *#.*)?|@\w+.*|\w+\(.*"
    r"|[^\W\d]\w*(?:, *[^\W\d]\w*)*(?: *: *\w+)? *(?:[-+*/%]|//|\*\*)?=[^=].*)"
)
# Statements without an effect, unless the expression is a call.
_WITHOUT_EFFECT = ast.Expr | ast.Pass


def extract_code(text: str) -> str | None:
    """Return the Python program in a model's reply, or None.

    The first fenced block marked as Python is preferred, with the later ones that continue it, then
    the first block without a language that parses as code. Output shown after a program is thus
    skipped. A block without a closing fence ends with the text. A block without an opening fence
    starts with the text, because the prompt opened it. In a text without fences, the program is the
    whole text if that parses as code, else the part from the first line that looks like code,
    without the prose after it. The same holds in a block that is no Python.

    Examples:
        >>> extract_code("Let me compute:\\n```python\\nprint(6 * 7)\\n```\\nThe answer is 42.")
        'print(6 * 7)\\n'
        >>> extract_code("The answer is 42.") is None
        True
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    fenced, closed_only = find_code_blocks(text)
    if blocks := [block.text for block in fenced if block.language in _PYTHON and block.content.strip()]:
        return _join_continued(blocks)
    for block in fenced:
        if block.language in _UNNAMED and (program := _extract_unfenced(block.text)):
            return program
    if closed_only is None and len(fenced) == 1 and not fenced[0].language and not fenced[0].closed:
        # The only fence closes what the prompt opened, and an explanation follows.
        closed_only = text[: -len(fenced[0].content)].rpartition("\n")[0] if fenced[0].content else None
    if closed_only is not None:
        return _extract_unfenced(closed_only)
    return None if fenced else _extract_unfenced(text)


def last_assigned(code: str) -> str | None:
    """Return the variable that `code` assigns last, outside functions and classes, or None."""
    name = None
    tree = parse(code)
    pending: list[ast.stmt] = list(reversed(tree.body)) if tree else []
    while pending:
        statement = pending.pop()
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case ast.Assign(targets=[*_, ast.Name(id=target)]):
                name = target
            case ast.Assign(targets=[*_, ast.Tuple()]):
                name = None  # several at once: the result could be any of them
            case ast.AugAssign(target=ast.Name(id=target)):
                name = target
            case ast.AnnAssign(target=ast.Name(id=target), value=value) if value is not None:
                name = target
        pending.extend(reversed([child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)]))
    return name


def bind_last_expression(code: str, name: str) -> str | None:
    """Return `code` with its last expression assigned to `name`; None if it does not end in one."""
    tree = parse(code)
    if tree is None or not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return None
    expression = tree.body[-1]
    lines = code.encode().split(b"\n")  # the parser counts columns in UTF-8 bytes
    last = (expression.end_lineno or 1) - 1
    lines[last] = lines[last][: expression.end_col_offset] + b")" + lines[last][expression.end_col_offset :]
    first = expression.lineno - 1
    lines[first] = (
        lines[first][: expression.col_offset] + f"{name} = (".encode() + lines[first][expression.col_offset :]
    )
    return b"\n".join(lines).decode()


def _join_continued(blocks: list[str]) -> str:
    """Return the first block with those that use what it defines, as in a notebook."""
    program = blocks[0] if parse(blocks[0]) else _extract_unfenced(blocks[0]) or blocks[0]
    for block in blocks[1:]:
        before, after = parse(program), parse(block)
        if before is None or after is None:
            break
        if not _names(before)[0] & _names(after)[1]:
            break
        program += block
    return program


def _names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Return the names that a program binds outside functions, and those that it uses before it binds them."""
    bound: set[str] = set()
    used: set[str] = set()
    for statement in tree.body:
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        used |= {name.id for name in names if isinstance(name.ctx, ast.Load)} - bound
        bound |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(statement.name)
    return bound, used


def _extract_unfenced(text: str) -> str | None:
    """Return the program in a text without fences."""
    if _is_program(text):
        return text
    lines = text.rstrip().splitlines()
    code_lines = [index for index, line in enumerate(lines) if _CODE_LINE.fullmatch(line.rstrip())]
    if not code_lines:
        return None
    start, end = code_lines[0], code_lines[-1] + 1
    while end < len(lines) and lines[end][:1] in (" ", "\t", ")", "]", "}"):  # the rest of a block or a bracket
        end += 1
    code = "\n".join(lines[start:end]) + "\n"
    return code if _is_program(code) or end == len(lines) else None  # a truncated program is returned, too


def _is_program(text: str) -> bool:
    """Return whether the text is Python with an effect: a word or a number alone is not."""
    tree = parse(text)
    return tree is not None and any(
        not isinstance(node, _WITHOUT_EFFECT) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        for node in tree.body
    )


def parse(code: str) -> ast.Module | None:
    """Return the program's syntax tree, or None if it is not valid Python."""
    try:
        tree = parse_source(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if isinstance(tree, ast.Module) else None
