"""Programs within a chain of thought: they run in the sandbox, and the model continues from their output."""

from __future__ import annotations

from reasoning.messages import Completion, Conversation
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.sandbox.execution import ExecutionResult, ResultSource
from reasoning.sandbox.program_in_text import OUTPUT_FENCE, find_program
from reasoning.session import Session
from reasoning.strategies.implicit_imports import add_imports
from reasoning.strategies.reply_parsing import continue_with

BEFORE_OUTPUT = {"stop": [OUTPUT_FENCE]}
"""Sampling parameters that end a reply before the output that the model would make up."""
MAX_PROGRAMS = 3
"""The programs that run in one chain of thought."""
_MAX_OUTPUT_CHARS = 2000


async def run_programs(
    problem: Problem, turns: Conversation, reply: Completion, session: Session, go_on: Prompt
) -> tuple[Conversation, Completion, list[str]]:
    """Run the programs of a chain of thought, one after the other, and let the model continue from each output.

    A program may use what the programs before it have defined. One that fails is forgotten, and the
    model is told the error.

    Args:
        problem: the problem.
        turns: the conversation that asked for the reasoning.
        reply: the reply to it, with a program.
        session: the session to ask with.
        go_on: the prompt that gives the output.

    Returns:
        The conversation, the last reply to it, and the chain before that reply.
    """
    chain: list[str] = []
    earlier, printed = "", ""
    for _ in range(MAX_PROGRAMS):
        if (program := find_program(reply.text)) is None:
            break
        with session.stage("run"):
            code = add_imports(earlier + program.source.rstrip() + "\n")
            ran = await session.tools.interpreter.arun(
                code, result=(ResultSource.PRINTED, ResultSource.EXPRESSION, ResultSource.ASSIGNED)
            )
            output = _output(ran, printed)
            session.note(f"{code}→ {output}")
        if ran.error is None:
            earlier, printed = code, ran.stdout
        text = reply.text[: program.end]
        chain += [text, output]
        turns = continue_with(turns, text, go_on, **{**problem.values(), "output": output})
        with session.stage("reasoning"):
            reply = await session.ask(turns, **BEFORE_OUTPUT)
    return turns, reply, chain


def _output(ran: ExecutionResult, printed: str) -> str:
    """Return what a program has printed after the programs before it, else its result or its error."""
    if ran.error is not None:
        return f"the program stopped with an error: {ran.error}"
    output = ran.stdout.removeprefix(printed).strip() or str(ran.value)
    return output if len(output) <= _MAX_OUTPUT_CHARS else f"{output[:_MAX_OUTPUT_CHARS]} …"
