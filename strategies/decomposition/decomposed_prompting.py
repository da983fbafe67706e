"""Decomposed prompting: a program of sub-questions, each for a handler of its own (Khot et al. 2022)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from reasoning.answer import Answer, Unparsed
from reasoning.branches import gather
from reasoning.errors import BudgetExhausted
from reasoning.kinds import Items
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.decomposition.handlers import (
    DEFAULT_HANDLERS,
    Function,
    Handler,
    NoAnswer,
    as_handlers,
    format_value,
)
from reasoning.strategies.decomposition.subquestion_program import DECOMPOSE, SubProgram, SubQuestion
from reasoning.strategy import Strategy, technique

_SHOWN = """QC: Join the last letters of the words in "Mona Grey Oak" with spaces.
QS: [split] Mona Grey Oak
A: ["Mona", "Grey", "Oak"]
QS: (foreach) [qa] What is the last letter of the word #1?
A: ["a", "y", "k"]
QS: [merge] #2
A: a y k
QS: [EOQ]
QC: Each of 2 boxes holds 4 rows of 6 eggs. 5 eggs break. How many whole eggs are there?
QS: [math] How many eggs does a box with 4 rows of 6 eggs hold?
A: 24
QS: [math] How many eggs are left of 2 boxes with #1 eggs each, if 5 break?
A: 43
QS: [EOQ]""".splitlines()
CONTROLLER = Prompt(
    objective="Break a complex question (QC) into sub-questions (QS), one at a time. A handler answers each (A).",
    instructions="A line is QS: [handler] sub-question. In it #1 stands for the first answer, #2 for the second. "
    "QS: (foreach) [handler] asks once for each element of the list that # stands for; (filter) keeps the elements for "
    "which the answer is yes. When the last answer is the one to the complex question, the line is QS: [EOQ].\n\n"
    "The handlers:\n{handlers}\n\nThe next QS line, and nothing else. Don't answer it.",
    examples=tuple(map(Demonstration, _SHOWN[::2], _SHOWN[1::2])),
    input="QC: {question}",
)


@technique(
    name="decomposed",
    title="Decomposed prompting",
    authors="Khot et al.",
    year=2022,
    arxiv="2210.02406",
    calls="c + h",
    waves="c + h - b",
    counts="c: lines that the controller writes, [EOQ] and a second try of each among them; h: those of the handlers; "
    "b: of both, those that go out beside others, in shorter branches of a (foreach) or within a handler",
    needs=("interpreter for [math]", "a controller prompt that fits the handlers"),
    use_when="sub-tasks are of different sorts, so that each wants a prompt, a tool or a program of its own; or the "
    "input is longer than a single chain bears (letters of many words: near 100 % at any length)",
    avoid_when="a sentence of reasoning does it: each sub-question costs two calls and more, one after the other; or "
    "the handlers are weak, since the errors are theirs and not the plan's (arXiv 2210.02406)",
    aliases=("decomp",),
)
class DecomposedPrompting(Strategy):
    """A controller writes one sub-question at a time, a handler answers it, until the last answer is the answer.

    The grammar is the paper's (`QC`, `QS: (operation) [handler] question`, `A`, `[EOQ]`, `#i`). For a chat model a
    program is a conversation: each `QS` a reply, each `A` the next turn. The first line of the grammar in a reply
    counts; one that cannot be carried out is sent back once (the paper gives up). Answers are JSON where they can be.
    `(foreach)` asks side by side, but in order within `[decompose]`, which gives the controller a smaller question.

    Parameters:
        handlers: see `Handler.from_value`; `controller` shows programs with the usual ones.
        max_steps: lines in one frame.
        max_depth: frames within the first one.
        max_asked: sub-questions in all; elements of a list share what is left, so that none depends on another.
    """

    handlers: tuple[Handler | Strategy | Function, ...] = DEFAULT_HANDLERS
    max_steps: int = 10
    max_depth: int = 3
    max_asked: int = 40
    max_tokens: int = 100
    controller: Prompt = CONTROLLER

    def __post_init__(self) -> None:
        self.check_parameters(max_steps=1, max_depth=0, max_asked=1, max_tokens=1)
        object.__setattr__(self, "handlers", as_handlers(self.handlers, DECOMPOSE))

    def calls_range(self) -> tuple[int, int]:
        """The fewest and the most completions: every line twice, every sub-question to the dearest handler."""
        asked = [one.by for one in map(Handler.from_value, self.handlers) if isinstance(one.by, Strategy)]
        dearest = max((one.calls_range()[1] for one in asked), default=0)
        return 1, 2 * (2 * self.max_asked + 1) + self.max_asked * dearest

    def with_strategies(self, change: Callable[[Strategy], Strategy]) -> DecomposedPrompting:
        """A copy in which every strategy that is a handler is changed."""
        handlers = tuple(handler.with_strategy(change) for handler in map(Handler.from_value, self.handlers))
        return self if handlers == self.handlers else self.replace(handlers=handlers)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        frame = SubProgram(problem.values()["problem"], 0, self.max_asked)
        try:
            value = await self._solved(frame, problem, session)
        except NoAnswer as stuck:
            return Unparsed(f"line {len(frame.answers) + 1}: {stuck}", text=str(frame), steps=frame.steps)
        except BudgetExhausted:  # a handler may have said what it has; the whole is said last
            session.keep_partial(Unparsed("there is no [EOQ]", text=str(frame), steps=frame.steps))
            raise
        if isinstance(problem.kind, Items) and not value and isinstance(value, list | tuple):
            value = problem.kind.show(())
        return replace(problem.parse(format_value(value)), text=str(frame), steps=frame.steps)

    async def _solved(self, frame: SubProgram, problem: Problem, session: Session) -> Any:
        """The answer to one complex question."""
        while True:
            with session.stage(f"line {len(frame.answers) + 1}"):
                line = await self._next(frame, session)
                if line is None:
                    return frame.answers[-1]
                if len(frame.answers) == self.max_steps:
                    raise NoAnswer(f"there is no [EOQ] after {self.max_steps} lines")
                frame.add(line, line.combine(await self._asked(line, frame, problem, session)))

    async def _next(self, frame: SubProgram, session: Session) -> SubQuestion | None:
        """The controller's next line; None for [EOQ]."""
        handlers = {handler.name.lower(): handler.does for handler in map(Handler.from_value, self.handlers)}
        if frame.depth < self.max_depth:
            handlers[DECOMPOSE] = "breaks a question down that is still complex, but smaller than this one"
        listing = "\n".join(f"- [{name}] {does}" for name, does in handlers.items())
        turns = self.controller.fill(question=frame.question, handlers=listing)
        for asked, answer in frame.lines:
            turns = turns.then(asked, answer)
        reply = await session.ask(turns, stop=["\nA:"], max_tokens=self.max_tokens)
        try:
            return frame.parse_next(reply.text, handlers)
        except NoAnswer as stuck:
            session.note(f"refused: {stuck}")
            turns = turns.then(reply.text, f"{stuck} Write the line again, and nothing else.")
        reply = await session.ask(turns, stop=["\nA:"], max_tokens=self.max_tokens)
        return frame.parse_next(reply.text, handlers)

    async def _asked(self, line: SubQuestion, frame: SubProgram, problem: Problem, session: Session) -> Sequence[Any]:
        """The answers to the questions of a line."""
        if max(len(line.questions), 1) > frame.left:
            raise NoAnswer(f"more than {self.max_asked} sub-questions")
        inner = frame.for_questions(line.questions)
        if frame.depth == 0 and len(inner) > 1:
            lanes = zip(inner, session.branches(len(inner), line.handler), strict=True)
            said = await gather([self._answer(line.handler, one, problem, lane) for one, lane in lanes])
        else:
            said = [await self._answer(line.handler, one, problem, session) for one in inner]
        frame.left += sum(one.left for one in inner)
        return said

    async def _answer(self, handler: str, frame: SubProgram, problem: Problem, session: Session) -> Any:
        try:
            if handler == DECOMPOSE:
                return await self._solved(frame, problem, session)
            by = next(one for one in map(Handler.from_value, self.handlers) if one.name.lower() == handler)
            return await by.answer(frame.question, problem, session)
        except NoAnswer as stuck:
            raise NoAnswer(f"[{handler}] {frame.question}: {stuck}") from stuck
