"""A program that a model writes: asked for, run, repaired, and its result read as an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.kinds import Choice, Date, Expression, Label, Number, Text, YesNo
from reasoning.messages import Completion, Conversation
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.sandbox.code_extraction import extract_code
from reasoning.sandbox.execution import ExecutionResult, PlainData, ResultSource
from reasoning.session import Session
from reasoning.strategies.programs.implicit_imports import add_imports, defined_functions
from reasoning.strategies.reply_parsing import continue_with

STOP_AFTER_CODE = "\n```\n\n"
"""Where the fence has been closed and prose would follow: chat models like to explain their program."""
REPAIR = Prompt(
    input="This program does not work: {error}",
    recap="Write the whole program again, without this fault. Reply with the code only.",
)
CLOSEST = Prompt(
    input="{problem}\n\nA calculation gave: {result}\nWhich option is closest to it?", recap="{direct_instruction}"
)
COMPUTED = (Number, Choice, YesNo, Text, Date, Label, Expression)
"""The kinds of which an answer can be what a program returns."""
FALLBACK = (ResultSource.PRINTED, ResultSource.ASSIGNED)
"""Where a result is that is not where it was asked for: small models forget the name that they were told."""

Runner = Callable[[str], Awaitable[ExecutionResult]]


@dataclass(frozen=True)
class ProgramRun:
    """A program and what became of it.

    Attributes:
        text: the reply that holds it.
        code: the program as it was run; empty where the reply holds none.
        value: its result.
        error: why there is none.
    """

    text: str
    code: str = ""
    value: PlainData = None
    error: str | None = None


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
        turns: what asks for it.
        sources: where its result is, tried in order (see `Interpreter.run`). Of a program that was cut off, only what
            it names counts: a variable assigned half-way is no result.
        repairs: how often a program that fails is shown its error and written again (our extension; 0 as in the
            papers).
        repair: shows it.
        run: runs the program in place of the interpreter; then `sources` is not used.
    """
    with session.stage("write"):
        reply = await session.ask(turns, stop=[STOP_AFTER_CODE])
    for left in range(repairs, -1, -1):
        ran = await _run(session, reply, sources, run)
        if ran.error is None or not left:
            break
        shown = f"```python\n{ran.code.rstrip()}\n```" if ran.code else ran.text  # as it ran: its errors name lines
        turns = continue_with(turns, shown, repair, error=ran.error)
        with session.stage("repair"):
            reply = await session.ask(turns, stop=[STOP_AFTER_CODE])
    return ran


async def answer_from_run(problem: Problem, ran: ProgramRun, session: Session, closest: Prompt = CLOSEST) -> Answer:
    """The answer that a program's result is.

    A result that is none of the options of a choice goes to the model, which says to which it is closest (Chen et al.
    2022, arXiv 2211.12588, section 3: AQuA). A result of 0 is an answer.
    """
    if ran.error is not None:
        return Unparsed(f"the program failed: {ran.error}" if ran.code else ran.error, text=ran.text)
    value = problem.kind.parse(format_result(ran.value))
    if value is not None:
        return Answered(value, rule="program", text=ran.text)
    if isinstance(problem.kind, Choice):
        with session.stage("closest option"):
            turns = closest.render(problem, result=ran.value)
            chosen = problem.parse(await session.ask(turns, temperature=0, max_tokens=32))
        return replace(chosen, text=ran.text)
    return Unparsed(f"the program's result {ran.value!r:.80} is no answer of the kind {problem.kind!r}", text=ran.text)


def format_result(result: PlainData) -> str:
    """A program's result as a text that a kind can read; of several values the first."""
    if isinstance(result, dict) and result:
        result = next(iter(result.values()))
    if isinstance(result, list) and result:
        result = result[0]
    return str(int(result)) if isinstance(result, float) and result.is_integer() else str(result)


async def _run(
    session: Session, reply: Completion, sources: Sequence[str | ResultSource], run: Runner | None
) -> ProgramRun:
    code, whole = _program(reply)
    if code is None:
        return ProgramRun(reply.text, error="the reply holds no program")
    defined = defined_functions(code := add_imports(code))
    places = [
        one for one in sources if not isinstance(one, str) or (one.removesuffix("()") in defined) == ("()" in one)
    ]
    with session.stage("run"):
        if run is not None:
            ran = await run(code)
        elif places := [one for one in places if whole or isinstance(one, str)]:
            ran = await session.tools.interpreter.arun(code, result=places)
        else:
            ran = ExecutionResult(error="it was cut off")
        error = "it sets no result" if ran.error is None and ran.value is None else ran.error
        session.note(f"{code}\n→ {ran.value!r}" if error is None else f"{code}\n→ {error}")
    return ProgramRun(reply.text, code, ran.value, error)


def _program(reply: Completion) -> tuple[str | None, bool]:
    """The program in a reply, and whether all of it is there; of one that was cut off, without its last line."""
    code = extract_code(reply.text)
    if not reply.truncated:
        return code, True
    before = extract_code(reply.text.rpartition("\n")[0])
    return before, code is not None and before == code
