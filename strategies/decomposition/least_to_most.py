"""Least-to-most prompting: solve simpler sub-questions first (Zhou et al. 2022, arXiv 2205.10625)."""

from __future__ import annotations

import re
from collections.abc import Callable

from reasoning.answer import Answer, Unparsed
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import DemonstrationSource, WorkedExample, with_examples
from reasoning.strategies.reply_parsing import format_numbered, normalize_question, parse_items
from reasoning.strategy import Strategy, technique

DECOMPOSE = Prompt(
    objective="Break a problem down into the simpler questions that must be answered first, easiest first.",
    output_format="A numbered list with one short question a line. Do not answer the questions.",
    input="{problem}\n\nLet's break down this problem:",
)
SOLVE_NEXT = Prompt(
    objective="Answer the last question about the problem, using the answers that are already there.",
    output_format="One or two short sentences, then: The answer is ….",
    input="{statement}\n\n{solved}Q: {step}\nA:",
)
ONE_PASS = Prompt(
    objective="Break the problem down into simpler questions, easiest first, then answer them in order.",
    input="{problem}\n\nLet's break down this problem:",
    recap="{instruction}",
)


def show_plan(example: WorkedExample) -> Demonstration | None:
    """Show a problem with its sub-questions as a numbered list; return None without sub-questions."""
    if not example.steps:
        return None
    listing = format_numbered(step.question for step in example.steps)
    return Demonstration(f"{example.question}\n\nLet's break down this problem:", listing)


def show_last_step(example: WorkedExample) -> Demonstration | None:
    """Show a problem, its solved sub-questions and the last answer; return None without sub-questions."""
    if not example.steps:
        return None
    *before, last = example.steps
    solved = format_solved([(step.question, step.answer) for step in before])
    so_far = f"{example.question}\n\n{solved}Q: {last.question}\nA:"
    return Demonstration(so_far, f"The answer is {example.answer}.", last.answer)


def show_one_pass(example: WorkedExample) -> Demonstration | None:
    """Show a problem with its sub-questions and their answers in one reply; return None without sub-questions."""
    if not example.steps:
        return None
    solved = format_solved([(step.question, step.answer) for step in example.steps])
    question = f"{example.question}\n\nLet's break down this problem:"
    return Demonstration(question, f"The answer is {example.answer}.", solved.rstrip())


def format_solved(pairs: list[tuple[str, str]]) -> str:
    """Format solved sub-questions as the paper does: `Q: …` and `A: …`, with a blank line after each pair."""
    return "".join(f"Q: {question}\nA: {answer}\n\n" for question, answer in pairs)


def final_question(problem: Problem) -> str:
    """Return the last sentence of the problem that is a question, or the whole text if none is."""
    sentences = re.findall(r"[^.!?\n]+[.!?\n]?", problem.question)
    return next((sentence.strip() for sentence in reversed(sentences) if sentence.endswith("?")), problem.question)


@technique(
    title="Least-to-most prompting",
    authors="Zhou et al.",
    year=2022,
    arxiv="2205.10625",
    calls="1 if one_pass else 1 + m",
    rounds="1 if one_pass else 1 + m",
    counts="m: sub-questions, including the final question (at most max_subproblems)",
    requires=("demonstrations if shots > 0",),
    use_when="problems are harder than the demonstrations: long chains of steps, symbolic tasks of growing length "
    "(last letters of 12 words, code-davinci-002: 31.8 with chain of thought, 74.0 with least-to-most)",
    avoid_when="problems take one or two steps (all of GSM8K: 60.9 against 62.4), or the model decomposes badly: "
    "every later step builds on a wrong sub-answer",
    aliases=("ltm", "l2m"),
)
class LeastToMost(Strategy):
    """Decompose a problem, then solve its sub-questions in order, each with the earlier answers in view.

    One call lists the sub-questions. Then one call solves each, in order; the last one is the
    question itself. The options of a multiple choice are shown with the last question only, so that
    no earlier step guesses an option. `one_pass=True` is the paper's variant for GSM8K: one
    completion lists and answers all sub-questions. Chat models see the demonstrations as chat
    turns, and each answer is cut at the next "Q:".

    Args:
        max_subproblems: maximum number of sub-questions, including the final one.
        one_pass: whether one completion lists and answers all sub-questions.

    Source:
        Zhou et al. (2022), "Least-to-Most Prompting Enables Complex Reasoning in Large Language
        Models", arXiv 2205.10625.

    Examples:
        >>> from reasoning import Problem, kinds, strategies
        >>> from reasoning.testing import ScriptedLLM
        >>> llm = ScriptedLLM(["1. How many pens are in 3 boxes?", "3 × 8 = 24.", "24 - 4 = 20. The answer is 20."])
        >>> problem = Problem("A box holds 8 pens. Ann buys 3 and loses 4 pens. How many are left?", kinds.Number())
        >>> answer = strategies.LeastToMost(shots=0).run(problem, llm)
        >>> answer.value, llm.calls
        (20, 3)
    """

    shots: int = 1
    max_subproblems: int = 8
    one_pass: bool = False
    demonstrations: DemonstrationSource = None
    decompose: Prompt = DECOMPOSE
    solve_next: Prompt = SOLVE_NEXT
    in_one: Prompt = ONE_PASS

    def __post_init__(self) -> None:
        self.check_parameters(shots=0, max_subproblems=1)

    def calls_range(self) -> tuple[int, int]:
        return (1, 1) if self.one_pass else (2, 1 + self.max_subproblems)

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        if self.one_pass:
            return problem.parse(await session.ask(self._shown(self.in_one, problem, show_one_pass).render(problem)))
        with session.stage("decompose"):
            plan = await session.ask(self._shown(self.decompose, problem, show_plan).render(problem))
        last = final_question(problem)
        steps = [
            sub_question
            for sub_question in parse_items(plan.text)
            if normalize_question(sub_question) != normalize_question(last)
        ]
        solver = self._shown(self.solve_next, problem, show_last_step)
        solved: list[tuple[str, str]] = []
        for step in [*steps[: self.max_subproblems - 1], last]:
            statement = problem.values()["problem" if step is last else "question_only"]
            turns = solver.render(problem, statement=statement, solved=format_solved(solved), step=step)
            with session.stage(step):
                reply = await session.ask(turns, stop=["\nQ:"])
            solved.append((step, reply.text.partition("\nQ:")[0].strip()))
            session.keep_partial(Unparsed("the question itself is not answered", text=reply.text, steps=dict(solved)))
        return problem.parse(reply)

    def _shown(self, prompt: Prompt, problem: Problem, show: Callable[[WorkedExample], Demonstration | None]) -> Prompt:
        return with_examples(prompt, problem, self.shots, show, self.demonstrations)
