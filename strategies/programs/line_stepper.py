"""A program run line by line: the interpreter runs what it can, and somebody else stands in for the rest.

(Chain of Code, Li et al. 2023, arXiv 2312.04474, section 2.)
"""

from __future__ import annotations

import ast
import json
import keyword
from collections.abc import Awaitable, Callable, Mapping, Sequence

from reasoning.sandbox import literals
from reasoning.sandbox.code_extraction import parse
from reasoning.sandbox.execution import ExecutionResult, PlainData, ResultSource, ResultSpec
from reasoning.sandbox.interpreter import Interpreter

Simulator = Callable[[str, Mapping[str, str]], Awaitable[Mapping[str, PlainData]]]
"""From a line and the variables before it, as texts, to the variables that it changes, and to what."""

_SHOWN = 300  # characters of a variable
_OURS = ("condition_", "values_")  # of headers that are worked out by themselves
_ADD = "try:\n    state[{name!r}] = repr({name})[:{room}]\nexcept NameError:\n    pass\n"


class StepperError(Exception):
    """The program cannot be run to its end; the message says why."""


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class LineStepper:
    """Runs one program.

    Its state is kept as source: what has been run, and assignments for what was simulated. Running that again before
    each further piece gives every variable its value and its type, and undoes what a failing piece had done by half. A
    piece is as much of a block as runs at once; only around what fails it goes statement by statement.

    Args:
        interpreter: runs the pieces, each in a session of its own.
        stand_in: for a line that the interpreter cannot run.
        seconds: that all pieces may take together, the stand-in's time not counted.
        pieces: that are tried at most.
    """

    def __init__(
        self, interpreter: Interpreter, stand_in: Simulator, *, seconds: float = 5.0, pieces: int = 1000
    ) -> None:
        self._interpreter, self._stand_in, self._seconds, self._pieces = interpreter, stand_in, seconds, pieces
        self._done: list[str] = []

    async def run(self, code: str) -> None:
        """Run it to the end.

        Raises:
            Stopped: it is no Python, or goes on for too long.
        """
        tree = parse(code)
        if tree is None:
            raise StepperError("SyntaxError: this is no Python program")
        try:
            await self._block(tree.body)
        except RecursionError:
            raise StepperError("it is nested too deeply") from None
        except (_Break, _Continue):
            raise StepperError("SyntaxError: break or continue outside a loop") from None

    async def result(self, places: ResultSpec) -> ExecutionResult:
        """What it has come to."""
        return await self._interpreter.arun("\n".join(self._done), result=places)

    async def simulate(self, line: str) -> None:
        """Let the stand-in say what a line changes."""
        for name, value in (await self._stand_in(line, await self._state())).items():
            if name.isidentifier() and not keyword.iskeyword(name):
                self._done.append(f"{name} = {value!r}")

    async def _block(self, statements: Sequence[ast.stmt]) -> None:
        left = list(statements)
        while left and not await self._runs(left):
            first = left.pop(0)
            if not left or not await self._runs([first]):
                await self._step(first)

    async def _step(self, statement: ast.stmt) -> None:
        """A statement that the interpreter cannot run as a whole."""
        match statement:
            case ast.For():
                await self._for(statement)
            case ast.While():
                while await self._holds(statement):
                    if await self._leaves(statement.body):
                        return
                await self._block(statement.orelse)
            case ast.If():
                await self._block(statement.body if await self._holds(statement) else statement.orelse)
            case ast.Break():
                raise _Break
            case ast.Continue():
                raise _Continue
            case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.ClassDef():
                pass  # what it would have defined is missing where it is used
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
                pass  # changes nothing
            case _:
                await self.simulate(ast.unparse(statement))

    async def _for(self, loop: ast.For) -> None:
        values = f"values_{loop.lineno}"
        await self._set(values, f"list({ast.unparse(loop.iter)})")
        count = await self._value(f"len({values})")
        for place in range(count if isinstance(count, int) else 0):
            await self._block(ast.parse(f"{ast.unparse(loop.target)} = {values}[{place}]").body)
            if await self._leaves(loop.body):
                return
        await self._block(loop.orelse)

    async def _leaves(self, body: Sequence[ast.stmt]) -> bool:
        """Run a loop's body once; whether it leaves the loop."""
        try:
            await self._block(body)
        except _Continue:
            pass
        except _Break:
            return True
        return False

    async def _holds(self, statement: ast.If | ast.While) -> bool:
        condition = f"condition_{statement.lineno}"
        await self._set(condition, f"bool({ast.unparse(statement.test)})")
        return bool(await self._value(condition))

    async def _set(self, name: str, expression: str) -> None:
        await self._block(ast.parse(f"{name} = {expression}").body)

    async def _runs(self, statements: Sequence[ast.stmt]) -> bool:
        """Run statements at once, if the interpreter can; else nothing has happened."""
        source = "\n".join(map(ast.unparse, statements))
        ran = await self._interpreter.arun("\n".join([*self._done, source]), result=ResultSource.PRINTED)
        self._pieces -= 1
        self._seconds -= ran.seconds
        if min(self._pieces, self._seconds) < 0:
            raise StepperError("it goes on for too long")
        if ran.error is None:
            self._done.append(source)
        return ran.error is None

    async def _value(self, expression: str) -> PlainData:
        return (await self._interpreter.arun("\n".join([*self._done, expression]))).value

    async def _state(self) -> dict[str, str]:
        """The variables that are set, as texts."""
        done = "\n".join(self._done)
        nodes = ast.walk(parse(done) or ast.Module([], []))
        set_here = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        names = [name for name in dict.fromkeys(set_here) if not name.startswith(_OURS)]
        adding = "".join(_ADD.format(name=name, room=_SHOWN) for name in names)
        ran = await self._interpreter.arun(f"{done}\nstate = {{}}\n{adding}", result="state")
        return {str(name): str(value) for name, value in ran.value.items()} if isinstance(ran.value, dict) else {}


def parse_delta_state(reply: str) -> dict[str, PlainData] | None:
    """The variables that a reply sets: the dict behind the last "delta state:", else the last one; None without."""
    start = reply.find("{", max(reply.lower().rfind("delta state:"), 0))
    end = reply.rfind("}")
    if start < 0 or end < start:
        return None
    for reader in (literals.parse, json.loads):
        try:
            found = reader(reply[start : end + 1])
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return {str(name): value for name, value in found.items()}
    return None
