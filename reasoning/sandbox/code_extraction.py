"""Find the program in a model's reply, and the parts of a program that its result is read from."""

from __future__ import annotations

import ast
import re
import threading
import warnings

from reasoning.kinds.code_blocks import find_code_blocks

_quiet = threading.Lock()  # the filters of warnings belong to the process, not to a thread
_PYTHON = frozenset({"python", "py", "python3", "python2", "py3", "ipython"})
_LINE = re.compile(
    r"(?:import [\w.]+.*|from [\w.]+ import .*|(?:def|class|for|while|if|with|try)\b.*:(?: *#.*)?|@\w+.*|\w+\(.*"
    r"|[^\W\d]\w*(?:, *[^\W\d]\w*)*(?: *: *\w+)? *(?:[-+*/%]|//|\*\*)?=[^=].*)"
)
_DOES_NOTHING = ast.Expr | ast.Pass  # unless the expression is a call


def extract_code(text: str) -> str | None:
    """The Python program in a model's reply, or None when there is none.

    The first fenced block that says it is Python; else the first one without a language that reads as code (output
    shown after a program is not one). A fence that is never closed ends with the text; one that is never opened (the
    prompt had opened it) begins with it. Without fences: the whole text when it is a program, else the part from the
    first line that looks like code on, without the prose after it.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    fenced, closed_only = find_code_blocks(text)
    for block in fenced:
        if block.language in _PYTHON and block.content.strip():
            return block.text
    for block in fenced:
        if not block.language and (found := _bare(block.text)):
            return found
    if closed_only is not None:
        return _bare(closed_only)
    return None if fenced else _bare(text)


def last_assigned(code: str) -> str | None:
    """The name of the variable that `code` assigns last, outside functions and classes; None when there is none."""
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
                name = None  # several at once: which of them is meant cannot be told
            case ast.AugAssign(target=ast.Name(id=target)):
                name = target
            case ast.AnnAssign(target=ast.Name(id=target), value=value) if value is not None:
                name = target
        pending.extend(reversed([child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)]))
    return name


def bind_last_expression(code: str, name: str) -> str | None:
    """`code` with the expression on its last line bound to `name`; None when it does not end in an expression."""
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


def _bare(text: str) -> str | None:
    """The program in a text without fences."""
    if _is_program(text):
        return text
    lines = text.rstrip().splitlines()
    code_lines = [index for index, line in enumerate(lines) if _LINE.fullmatch(line.rstrip())]
    if not code_lines:
        return None
    start, end = code_lines[0], code_lines[-1] + 1
    while end < len(lines) and lines[end][:1] in (" ", "\t", ")", "]", "}"):  # the rest of a block or a bracket
        end += 1
    code = "\n".join(lines[start:end]) + "\n"
    return code if _is_program(code) or end == len(lines) else None  # cut off in the middle: still the program


def _is_program(text: str) -> bool:
    """Whether it is Python that does something: a word or a number alone is not a program."""
    tree = parse(text)
    return tree is not None and any(
        not isinstance(node, _DOES_NOTHING) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        for node in tree.body
    )


def parse(code: str) -> ast.Module | None:
    """The program's syntax tree, or None where it has none."""
    try:
        if "\\" not in code:
            return ast.parse(code)
        with _quiet, warnings.catch_warnings(action="ignore"):  # a model's "\\$" is no warning for our caller
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
