"""The interpreter as a tool: programs run in the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.errors import ToolError
from reasoning.sandbox.code_extraction import extract_code
from reasoning.sandbox.execution import ResultSource
from reasoning.session_tools import ToolSession
from reasoning.tools.arguments import text_schema


@dataclass(frozen=True)
class PythonTool:
    """Runs a program in the sandbox and shows what it printed and the value of its last line.

    Args:
        name: the name for the model.
        description: what it does, for the model.
    """

    name: str = "Python"
    description: str = "runs a Python program and shows what it prints"
    parameters: ClassVar[Mapping[str, Any]] = text_schema(program="the program")

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        """Run a program.

        Raises:
            ToolError: the program failed.
        """
        written = str(arguments["program"])
        code = extract_code(written) or written
        places = (ResultSource.EXPRESSION, ResultSource.PRINTED, ResultSource.ASSIGNED)
        ran = await session.tools.interpreter.arun(code, result=places)
        printed = ran.stdout.strip()
        if ran.error is not None:
            before = f"\nIt had printed:\n{printed}" if printed else ""
            raise ToolError(f"The program failed: {ran.error}{before}")
        shown = "" if ran.value is None or printed.endswith(str(ran.value)) else str(ran.value)
        return f"{printed}\n{shown}".strip() or "The program printed nothing."
