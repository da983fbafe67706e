"""Line-by-line execution: an interpreter runs what it can, and a simulator stands in for the other lines.

Source:
    Li et al. (2023), arXiv 2312.04474.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reasoning.sandbox.code_extraction import parse
from reasoning.sandbox.execution import ExecutionResult, PlainData, ResultSource, ResultSpec
from reasoning.sandbox.interpreter import Interpreter

Simulator = Callable[[str, Mapping[str, str]], Awaitable[Mapping[str, PlainData]]]
"""Maps a line and the variables before it, as texts, to the variables that it changes, with their new values."""

Judge = Callable[["Header", Mapping[str, str]], Awaitable[PlainData]]
"""Maps a header that the interpreter cannot evaluate and the variables before it to its value."""

_MAX_VALUE_CHARS = 300
_INTERNAL = ("condition_", "values_")
"""Prefixes of variables that the stepper adds for the headers of loops and branches."""
_ADD = "try:\n    state[{name!r}] = repr({name})[:{limit}]\nexcept NameError:\n    pass\n"


class StepperError(Exception):
    """A program cannot be run to its end; the message says why."""


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


@dataclass(frozen=True)
class Header:
    """The header of a branch or a loop.

    Attributes:
        line: the header as a line, such as `if is_fruit(x):`.
        expression: its condition, or what it goes through: `is_fruit(x)`.
        is_loop: whether its value is a list (`for`) and not True or False.
    """

    line: str
    expression: str
    is_loop: bool = False


class LineStepper:
    """Run one program line by line.

    The state is kept as source: the statements that ran, and assignments for those that were
    simulated. Running this source again before each further piece gives every variable its value
    and type, and undoes a piece that failed halfway. A piece is as much of a block as runs at once;
    only around a failing statement is the block run statement by statement.

    Args:
        interpreter: runs the pieces, each in a fresh session.
        simulator: gives the effect of a line that the interpreter cannot run.
        judge: gives the value of a header that the interpreter cannot evaluate.
        seconds: time limit for all pieces together, without the simulator's time.
        pieces: maximum number of pieces to try.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        simulator: Simulator,
        judge: Judge,
        *,
        seconds: float = 5.0,
        pieces: int = 1000,
    ) -> None:
        self._interpreter, self._simulator, self._judge = interpreter, simulator, judge
        self._seconds, self._pieces = seconds, pieces
        self._done: list[str] = []
        self._lines: list[str] = []

    async def run(self, code: str) -> None:
        """Run a program to its end.

        Raises:
            StepperError: the code is not Python, is nested too deeply, or exceeds a limit.
        """
        tree = parse(code)
        if tree is None:
            raise StepperError("SyntaxError: this is no Python program")
        self._lines = code.splitlines()
        try:
            await self._block(tree.body)
        except RecursionError:
            raise StepperError("it is nested too deeply") from None
        except (_Break, _Continue):
            raise StepperError("SyntaxError: break or continue outside a loop") from None

    async def result(self, places: ResultSpec) -> ExecutionResult:
        """Return the program's result from the first of these places that has one."""
        return await self._interpreter.arun("\n".join(self._done), result=places)

    async def simulate(self, line: str) -> None:
        """Let the simulator change the variables as the line would.

        An entry whose name is an expression of the line, `is_fruit(x)`, gives the value of that
        expression, and the interpreter runs the line with it.
        """
        delta = await self._simulator(line, await self._variables())
        variables = {
            name: value for name, value in delta.items() if name.isidentifier() and not keyword.iskeyword(name)
        }
        self._done += [f"{name} = {value!r}" for name, value in variables.items()]
        if delta and not variables:
            await self._try_run([_Substitute(delta).visit(statement) for statement in _statements(line)])

    async def _block(self, statements: Sequence[ast.stmt]) -> None:
        pending = list(statements)
        while pending and not await self._try_run(pending):
            first = pending.pop(0)
            if not pending or not await self._try_run([first]):
                await self._step(first)

    async def _step(self, statement: ast.stmt) -> None:
        """Execute a statement that the interpreter cannot run as a whole."""
        match statement:
            case ast.For():
                await self._for(statement)
            case ast.While():
                while await self._is_true(statement):
                    if await self._run_body(statement.body):
                        return
                await self._block(statement.orelse)
            case ast.If():
                await self._block(statement.body if await self._is_true(statement) else statement.orelse)
            case ast.Break():
                raise _Break
            case ast.Continue():
                raise _Continue
            case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.ClassDef():
                # A use of the missing definition fails later.
                pass
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
                # Print changes no variable.
                pass
            case _:
                await self.simulate(ast.unparse(statement))

    async def _for(self, loop: ast.For) -> None:
        values, source = f"values_{loop.lineno}", ast.unparse(loop.iter)
        header = Header(f"for {ast.unparse(loop.target)} in {source}:", source, is_loop=True)
        await self._evaluate_header(values, f"list({source})", header)
        count = await self._evaluate(f"len({values})")
        for index in range(count if isinstance(count, int) else 0):
            await self._block(_statements(f"{ast.unparse(loop.target)} = {values}[{index}]"))
            if await self._run_body(loop.body):
                return
        await self._block(loop.orelse)

    async def _run_body(self, body: Sequence[ast.stmt]) -> bool:
        """Run a loop's body once, and return whether it leaves the loop."""
        try:
            await self._block(body)
        except _Continue:
            pass
        except _Break:
            return True
        return False

    async def _is_true(self, statement: ast.If | ast.While) -> bool:
        condition, source = f"condition_{statement.lineno}", ast.unparse(statement.test)
        written = self._lines[statement.lineno - 1].lstrip() if statement.lineno <= len(self._lines) else ""
        word = "while" if isinstance(statement, ast.While) else "elif" if written.startswith("elif") else "if"
        await self._evaluate_header(condition, f"bool({source})", Header(f"{word} {source}:", source))
        return bool(await self._evaluate(condition))

    async def _evaluate_header(self, name: str, expression: str, header: Header) -> None:
        """Set a variable to a header's value, which the judge gives if the interpreter cannot."""
        if not await self._try_run(_statements(f"{name} = {expression}")):
            self._done.append(f"{name} = {await self._judge(header, await self._variables())!r}")

    async def _try_run(self, statements: Sequence[ast.stmt]) -> bool:
        """Run statements at once and return True; if the interpreter cannot, change nothing and return False."""
        source = "\n".join(map(ast.unparse, statements))
        ran = await self._interpreter.arun("\n".join([*self._done, source]), result=ResultSource.PRINTED)
        self._pieces -= 1
        self._seconds -= ran.seconds
        if min(self._pieces, self._seconds) < 0:
            raise StepperError("it goes on for too long")
        if ran.error is None:
            self._done.append(source)
        return ran.error is None

    async def _evaluate(self, expression: str) -> PlainData:
        return (await self._interpreter.arun("\n".join([*self._done, expression]))).value

    async def _variables(self) -> dict[str, str]:
        """Return the variables that are set, as texts."""
        done = "\n".join(self._done)
        nodes = ast.walk(parse(done) or ast.Module([], []))
        set_here = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        names = [name for name in dict.fromkeys(set_here) if not name.startswith(_INTERNAL)]
        adding = "".join(_ADD.format(name=name, limit=_MAX_VALUE_CHARS) for name in names)
        ran = await self._interpreter.arun(f"{done}\nstate = {{}}\n{adding}", result="state")
        return {str(name): str(value) for name, value in ran.value.items()} if isinstance(ran.value, dict) else {}


class _Substitute(ast.NodeTransformer):
    """Replace the expressions that a delta state names by their values."""

    def __init__(self, delta: Mapping[str, PlainData]) -> None:
        named = ((parse(name), value) for name, value in delta.items())
        self._values = {ast.unparse(tree): value for tree, value in named if tree is not None}

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.expr) and (source := ast.unparse(node)) in self._values:
            value = parse(repr(self._values[source]))
            return value.body[0].value if value and isinstance(value.body[0], ast.Expr) else node
        return self.generic_visit(node)


def _statements(source: str) -> list[ast.stmt]:
    tree = parse(source)
    if tree is None:
        raise StepperError("it is nested too deeply")
    return tree.body
