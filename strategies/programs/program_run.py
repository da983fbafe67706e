"""Programs that a model writes: asking for them, running and repairing them, and parsing their results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.kinds import Choice, Date, Expression, Items, Kind, Label, Number, Text, YesNo
from reasoning.messages import Completion, Conversation
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.sandbox.code_extraction import extract_code
from reasoning.sandbox.execution import ExecutionResult, PlainData, ResultSource
from reasoning.session import Session
from reasoning.strategies.implicit_imports import add_imports, defined_functions
from reasoning.strategies.reply_parsing import continue_with

STOP_AFTER_CODE = "\n```\n\n"
"""A stop sequence at the end of the code block, before a chat model explains its program."""
REPAIR = Prompt(
    input="This program does not work: {error}",
    recap="Write the whole program again, without this fault. Reply with the code only.",
)
CLOSEST = Prompt(
    input="{problem}\n\nA calculation gave: {result}\nWhich option is closest to it?", recap="{direct_instruction}"
)
OPTION_TOKENS = 32
"""The maximum tokens of the reply that names the closest option."""
COMPUTED = (Number, Choice, YesNo, Text, Items, Date, Label, Expression)
"""Kinds whose answers a program can return."""
FALLBACK = (ResultSource.PRINTED, ResultSource.ASSIGNED)
"""Places to look for a result that is not in the requested place: small models forget the requested name."""

Runner = Callable[[str], Awaitable[ExecutionResult]]


@dataclass(frozen=True)
class ProgramRun:
    """A program and its result.

    Attributes:
        text: the reply with the program.
        code: the program as it was run; empty if the reply has none.
        value: its result.
        error: the reason for a missing result.
        printed: what it printed.
    """

    text: str
    code: str = ""
    value: PlainData = None
    error: str | None = None
    printed: str = ""


async def write_and_run(
    session: Session,
    turns: Conversation,
    sources: Sequence[str | ResultSource],
    *,
    repairs: int,
    repair: Prompt,
    run: Runner | None = None,
) -> ProgramRun:
    """Ask for a program and run it in the interpreter, never in this process.

    Args:
        session: the session to ask with.
        turns: the conversation that asks for the program.
        sources: places of the result, tried in order (see `Interpreter.run`). Of a truncated
            program only named places count: a variable that was assigned last is no result.
        repairs: maximum number of times that a failing program is sent back with its error (our
            extension; 0 in the papers).
        repair: the prompt that sends it back.
        run: runs the program instead of the interpreter; `sources` is then unused.
    """
    with session.stage("write"):
        reply = await session.ask(turns, stop=[STOP_AFTER_CODE])
    for repairs_left in range(repairs, -1, -1):
        ran = await _run(session, reply, sources, run)
        if ran.error is None or not repairs_left:
            break
        # Errors name lines of the program as it ran, with the added imports.
        code_as_run = f"```python\n{ran.code.rstrip()}\n```" if ran.code else ran.text
        turns = continue_with(turns, code_as_run, repair, error=ran.error)
        with session.stage("repair"):
            reply = await session.ask(turns, stop=[STOP_AFTER_CODE])
    return ran


async def answer_from_run(
    problem: Problem,
    ran: ProgramRun,
    session: Session,
    closest: Prompt = CLOSEST,
    option_tokens: int = OPTION_TOKENS,
) -> Answer:
    """Turn a program's result into an answer.

    For a choice, a result that equals no option goes to the model, which names the closest option.
    A result of 0 is an answer.

    Args:
        problem: the problem.
        ran: the program and its result.
        session: the session to ask with.
        closest: the prompt that asks for the closest option.
        option_tokens: the maximum tokens of the reply to it.

    Source:
        Chen et al. (2022), arXiv 2211.12588: the options of AQuA.
    """
    if ran.error is not None:
        return Unparsed(f"the program failed: {ran.error}" if ran.code else ran.error, text=ran.text)
    value = read_result(problem.kind, ran)
    if value is not None:
        return Answered(value, rule="program", text=ran.text)
    if isinstance(problem.kind, Choice):
        with session.stage("closest option"):
            turns = closest.render(problem, result=ran.value)
            chosen = problem.parse(await session.ask(turns, temperature=0, max_tokens=option_tokens))
        return replace(chosen, text=ran.text)
    return Unparsed(f"the program's result {ran.value!r:.80} is not an answer of kind {problem.kind!r}", text=ran.text)


def read_result(kind: Kind, ran: ProgramRun) -> Any | None:
    """Return a program's result as a value of a kind, or None.

    A list, a tuple or a set answers a list of items with all its values, and so do several printed
    lines; a text has them with commas. For other kinds the first value counts.
    """
    value = ran.value
    if isinstance(kind, Items) and isinstance(value, list):
        items = tuple(text for text in map(format_result, value) if text)
        return items if items or kind.empty is not None else None
    lines = ran.printed.strip().splitlines()
    if isinstance(kind, Items) and len(lines) > 1 and str(value) == lines[-1].strip():
        # Each item was printed on a line of its own.
        return kind.parse("\n".join(f"- {line}" for line in lines))
    if isinstance(kind, Text) and isinstance(value, list) and len(value) > 1:
        return kind.parse(", ".join(map(format_result, value)))
    return kind.parse(format_result(value))


def format_result(result: PlainData) -> str:
    """Format a program's result as text that a kind can parse; of several values, the first.

    Source:
        Chen et al. (2022), arXiv 2211.12588: results are reduced to one number.
    """
    if isinstance(result, dict) and result:
        result = next(iter(result.values()))
    if isinstance(result, list) and result:
        result = result[0]
    return str(int(result)) if isinstance(result, float) and result.is_integer() else str(result)


async def _run(
    session: Session, reply: Completion, sources: Sequence[str | ResultSource], run: Runner | None
) -> ProgramRun:
    code, complete = _extract(reply)
    if code is None:
        return ProgramRun(reply.text, error="the reply holds no program")
    defined = defined_functions(code := add_imports(code))
    places = [
        source
        for source in sources
        if not isinstance(source, str) or (source.removesuffix("()") in defined) == ("()" in source)
    ]
    with session.stage("run"):
        if run is not None:
            ran = await run(code)
        elif places := [source for source in places if complete or isinstance(source, str)]:
            ran = await session.tools.interpreter.arun(code, result=places)
        else:
            ran = ExecutionResult(error="it was cut off")
        error = "it sets no result" if ran.error is None and ran.value is None else ran.error
        session.note(f"{code}\n→ {ran.value!r}" if error is None else f"{code}\n→ {error}")
    return ProgramRun(reply.text, code, ran.value, error, ran.stdout)


def _extract(reply: Completion) -> tuple[str | None, bool]:
    """Return the program in a reply and whether it is complete; a truncated one loses its last line."""
    code = extract_code(reply.text)
    if not reply.truncated:
        return code, True
    before = extract_code(reply.text.rpartition("\n")[0])
    return before, code is not None and before == code
