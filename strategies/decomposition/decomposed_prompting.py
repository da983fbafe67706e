"""Decomposed prompting: a program of sub-questions, each answered by its own handler (Khot et al. 2022)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from reasoning.answer import Answer, Unparsed
from reasoning.branches import gather
from reasoning.errors import BudgetExhausted
from reasoning.kinds import Items, Kind
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.decomposition.handlers import (
    DEFAULT_HANDLERS,
    Function,
    Handler,
    NoAnswer,
    NothingAsked,
    as_handlers,
    format_value,
)
from reasoning.strategies.decomposition.shown_handlers import (
    lacks_numbers,
    suited_handlers,
    without_ends,
    without_programs_of,
)
from reasoning.strategies.decomposition.subquestion_program import DECOMPOSE, SubProgram, SubQuestion
from reasoning.strategy import Strategy, technique

_DEMONSTRATION = """QC: Join the last letters of the words in "Mona Grey Oak" with spaces.
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
QS: [EOQ]
QC: Tom reads 12 pages a day for 5 days, and Ina reads 8 pages a day for 9 days. How many more pages does Ina read?
QS: [math] Tom reads 12 pages a day for 5 days. How many pages does he read?
A: 60
QS: [math] Ina reads 8 pages a day for 9 days. How many pages does she read?
A: 72
QS: [math] Ina reads #2 pages, and Tom reads #1 pages. How many more pages does Ina read?
A: 12
QS: [EOQ]""".splitlines()
CONTROLLER = Prompt(
    objective="Break a complex question (QC) into sub-questions (QS), one at a time. A handler answers each (A).",
    instructions="A line is QS: [handler] sub-question. In it #1 stands for the first answer, #2 for the second. "
    "QS: (foreach) [handler] asks once for each element of the list that # stands for; (filter) keeps the elements for "
    "which the answer is yes. When the last answer is the one to the complex question, the line is QS: [EOQ].\n\n"
    "A handler sees its sub-question and nothing else: repeat in it the names and numbers that it needs.\n\n"
    "The handlers:\n{handlers}\n\nThe next QS line, and nothing else. Don't answer it.",
    examples=tuple(map(Demonstration, _DEMONSTRATION[::2], _DEMONSTRATION[1::2])),
    input="QC: {question}",
)


@technique(
    name="decomposed",
    title="Decomposed prompting",
    authors="Khot et al.",
    year=2022,
    arxiv="2210.02406",
    calls="c + h",
    rounds="c + h - b",
    counts="c: lines of the controller, with [EOQ] and second attempts; h: calls of the handlers; "
    "b: calls of both that are concurrent with others, in shorter branches of a (foreach) or within a handler",
    requires=("interpreter for [math]", "a controller prompt that fits the handlers"),
    use_when="sub-tasks differ in kind, so that each needs its own prompt, tool or program; or the "
    "input is too long for a single chain of thought (letters of many words: near 100 % at any length)",
    avoid_when="a sentence of reasoning is enough: each sub-question costs two or more sequential calls; or "
    "the handlers are weak, since most errors come from them and not from the plan (arXiv 2210.02406)",
    aliases=("decomp",),
    version=2,
)
class DecomposedPrompting(Strategy):
    """Let a controller write one sub-question at a time and a handler answer it, until the question is answered.

    The grammar is the paper's (`QC`, `QS: (operation) [handler] question`, `A`, `[EOQ]`, `#i`). For
    a chat model a program is a conversation: each `QS` is a reply, each `A` the next turn. The
    first line of a reply that follows the grammar counts. A line that cannot be executed is sent
    back once; the paper gives up. So is a first line that ends the program, and a question without
    a number for a handler that calculates, if the complex question has numbers; the second such
    question is asked as it is. Answers are JSON where possible. `(foreach)` asks concurrently, but
    sequentially within `[decompose]`, which gives the controller a smaller question.

    Where a number is asked for, handlers that give numbers are listed first, and the functions on
    texts (`split`, `letters`, `merge`) and the program that demonstrates them are shown only if the
    question is about a text. This choice and the demonstrations are ours.

    Args:
        handlers: strategies, functions or `Handler`s; see `Handler.from_value`. The default
            `controller` prompt demonstrates the default ones.
        max_steps: maximum number of lines in one program.
        max_depth: maximum nesting of programs within the first one.
        max_asked: maximum number of sub-questions in total. The elements of a list share the
            remaining ones equally, so that no element depends on another.
        max_tokens: maximum tokens of a controller's line.

    Source:
        Khot et al. (2022), "Decomposed Prompting: A Modular Approach for Solving Complex Tasks",
        arXiv 2210.02406.
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
        """Return the fewest and the most completions: each line twice, each question to the most expensive handler."""
        delegates = [
            handler.by for handler in map(Handler.from_value, self.handlers) if isinstance(handler.by, Strategy)
        ]
        most_expensive = max((handler.calls_range()[1] for handler in delegates), default=0)
        return 1, 2 * (2 * self.max_asked + 1) + self.max_asked * most_expensive

    def rounds_range(self) -> None:
        # The calls that are sent together are known only when the controller has written its lines.
        return None

    def with_strategies(self, change: Callable[[Strategy], Strategy]) -> DecomposedPrompting:
        """Return a copy with every strategy that serves as a handler replaced by `change(strategy)`."""
        handlers = tuple(handler.with_strategy(change) for handler in map(Handler.from_value, self.handlers))
        return self if handlers == self.handlers else self.replace(handlers=handlers)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        program = SubProgram(problem.values()["problem"], 0, self.max_asked)
        try:
            value = await self._solved(program, problem, session)
        except NoAnswer as error:
            return Unparsed(f"line {len(program.answers) + 1}: {error}", text=str(program), steps=program.steps)
        except BudgetExhausted:
            # A handler may have kept its own partial result; that of the whole program replaces it.
            session.keep_partial(Unparsed("there is no [EOQ]", text=str(program), steps=program.steps))
            raise
        if isinstance(problem.kind, Items) and not value and isinstance(value, list | tuple):
            value = problem.kind.show(())
        return replace(problem.parse(format_value(value)), text=str(program), steps=program.steps)

    async def _solved(self, program: SubProgram, problem: Problem, session: Session) -> Any:
        """Answer one complex question."""
        while True:
            with session.stage(f"line {len(program.answers) + 1}"):
                sub_question = await self._next(program, problem.kind, session)
                if sub_question is None:
                    return program.answers[-1]
                if len(program.answers) == self.max_steps:
                    raise NoAnswer(f"there is no [EOQ] after {self.max_steps} lines")
                program.add(
                    sub_question, sub_question.combine(await self._answers(sub_question, program, problem, session))
                )

    async def _next(self, program: SubProgram, kind: Kind, session: Session) -> SubQuestion | None:
        """Return the controller's next line, or None for [EOQ]."""
        available = [*map(Handler.from_value, self.handlers)]
        shown = {handler.name.lower(): handler for handler in suited_handlers(available, kind, program.question)}
        handlers = {name: handler.does for name, handler in shown.items()}
        if program.depth < self.max_depth:
            handlers[DECOMPOSE] = "breaks a question down that is still complex, but smaller than this one"
        listing = "\n".join(f"- [{name}] {does}" for name, does in handlers.items())
        hidden = {handler.name.lower() for handler in available} - shown.keys()
        controller = without_programs_of(hidden, self.controller)
        turns = controller.fill(question=program.question, handlers=listing)
        for line, answer in program.lines:
            turns = turns.then(line, answer)
        reply = await session.ask(turns, stop=["\nA:"], max_tokens=self.max_tokens)
        try:
            sub_question = program.parse_next(reply.text, handlers)
            asked = shown.get(sub_question.handler) if sub_question and re.search(r"\d", program.question) else None
            if sub_question and asked and lacks_numbers(asked, sub_question.questions):
                raise NoAnswer(f"[{asked.name}] sees this sub-question and nothing else: repeat its numbers in it.")
            return sub_question
        except NothingAsked as error:
            session.note(f"rejected: {error}")
            # A small model repeats the [EOQ] that it sees.
            first = f"Write the first sub-question, which begins with QS: [{next(iter(handlers))}]"
            question = f"{program.question}\n\n{first}"
            turns = without_ends(controller).fill(question=question, handlers=listing)
        except NoAnswer as error:
            session.note(f"rejected: {error}")
            turns = turns.then(reply.text, f"{error} Write the line again, and nothing else.")
        reply = await session.ask(turns, stop=["\nA:"], max_tokens=self.max_tokens)
        return program.parse_next(reply.text, handlers)

    async def _answers(
        self, sub_question: SubQuestion, program: SubProgram, problem: Problem, session: Session
    ) -> Sequence[Any]:
        """Answer the questions of a line."""
        if max(len(sub_question.questions), 1) > program.left:
            raise NoAnswer(f"more than {self.max_asked} sub-questions")
        sub_programs = program.for_questions(sub_question.questions)
        if program.depth == 0 and len(sub_programs) > 1:
            branches = zip(sub_programs, session.branches(len(sub_programs), sub_question.handler), strict=True)
            answers = await gather(
                [self._answer(sub_question.handler, sub_program, problem, branch) for sub_program, branch in branches]
            )
        else:
            answers = [
                await self._answer(sub_question.handler, sub_program, problem, session) for sub_program in sub_programs
            ]
        program.left += sum(sub_program.left for sub_program in sub_programs)
        return answers

    async def _answer(self, handler: str, program: SubProgram, problem: Problem, session: Session) -> Any:
        try:
            if handler == DECOMPOSE:
                return await self._solved(program, problem, session)
            chosen = next(
                candidate for candidate in map(Handler.from_value, self.handlers) if candidate.name.lower() == handler
            )
            return await chosen.answer(program.question, problem, session)
        except NoAnswer as error:
            raise NoAnswer(f"[{handler}] {program.question}: {error}") from error
