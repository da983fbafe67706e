"""Least-to-most prompting: solve simpler sub-questions first (Zhou et al. 2022, arXiv 2205.10625)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from reasoning.answer import Answer, Unparsed
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.decomposition.solved_steps import (
    format_solved,
    show_chain,
    show_earlier_step,
    show_last_step,
    show_one_pass,
    show_plan,
    with_lines,
)
from reasoning.strategies.decomposition.sub_questions import parse_sub_questions
from reasoning.strategies.demonstrations import SHIPPED_KINDS, DemonstrationSource, WorkedExample, with_examples
from reasoning.strategies.reply_parsing import drop_truncated_tail, normalize_question
from reasoning.strategies.thought.cot import FEW_SHOT, ChainOfThought
from reasoning.strategy import Strategy, technique

DECOMPOSE = Prompt(
    objective="Break a problem down into the simpler questions that must be answered first, easiest first.",
    output_format="A numbered list with one short question a line, each with a question mark. The last one is what the "
    "problem asks. Do not answer the questions, and do not repeat what the problem tells.",
    input="{question_only}\n\nLet's break down this problem:",
)
SOLVE_NEXT = Prompt(
    objective="Answer the last question about the problem, using the answers that are already there.",
    output_format="One to three short sentences: how the answer follows, with every calculation written out, then the "
    "answer. Answer no other question.",
    input="{statement}\n\n{solved}Q: {step}\nA:",
)
ONE_PASS = Prompt(
    objective="Break a problem down into simpler questions, easiest first, and answer them in order.",
    output_format="First the simpler questions, each after Q: and with its answer below it after A:, every calculation "
    "written out. The last Q: is what the problem asks.",
    input="{problem}\n\n{instruction}\n\nLet's break down this problem:",
)

_MIN_SPACES = 3
"""A shorter end of the question may be another one ("How many?")."""


def final_question(problem: Problem) -> str:
    """Return the last sentence of the problem that is a question, or the whole text if none is."""
    sentences = re.findall(r"[^.!?\n]+[.!?\n]?", problem.question)
    return next((sentence.strip() for sentence in reversed(sentences) if sentence.endswith("?")), problem.question)


def _repeats(step: str, last: str) -> bool:
    """Return whether a sub-question is the last question, also with a label before it or without a clause."""
    one, other = normalize_question(step), normalize_question(last)
    return one.endswith(other) or (other.endswith(f" {one}") and one.count(" ") >= _MIN_SPACES)


@technique(
    title="Least-to-most prompting",
    authors="Zhou et al.",
    year=2022,
    arxiv="2205.10625",
    calls="1 if one_pass else 1 + m",
    rounds="1 if one_pass else 1 + m",
    counts="m: sub-questions, including the final question (at most max_subproblems); 1 if nothing is asked and chain "
    "of thought answers",
    default_kinds=SHIPPED_KINDS,
    requires=("demonstrations if shots > 0",),
    use_when="problems are harder than the demonstrations: long chains of steps, symbolic tasks of growing length "
    "(last letters of 12 words, code-davinci-002: 31.8 with chain of thought, 74.0 with least-to-most)",
    avoid_when="problems take one or two steps (all of GSM8K: 60.9 against 62.4), or the model decomposes badly: "
    "every later step builds on a wrong sub-answer",
    aliases=("ltm", "l2m"),
    version=2,
)
class LeastToMost(Strategy):
    """Decompose a problem, then solve its sub-questions in order, each with the earlier answers in view.

    One call lists the sub-questions. Then one call solves each, in order; the last one is the
    question itself. The options of a multiple choice and the instruction of the answer's kind stand
    below the last question only, in the problem and in the demonstrations, so that no earlier step
    guesses an option. Items of the list that ask nothing (statements, headings, results) are
    dropped. If nothing is asked, chain of thought answers the problem, with the same examples.

    `one_pass=True` is the paper's variant for GSM8K: one completion lists and answers all
    sub-questions, with the options in view. The paper's last letters need sub-questions that grow
    by one word and a limit above the number of words, as in
    `least_to_most(demonstrations='last_letters', shots=2, max_subproblems=12)`; for SCAN the set is
    `'scan'`. The figures of the paper belong to such examples.

    "Let's break down this problem:" and the form `Q: … A: …` are the paper's. The instructions are
    ours, since chat models otherwise list statements and answer without a calculation. Chat models
    see the demonstrations as chat turns, and each answer is cut at the next "Q:".

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

    @property
    def free_text_prompts(self) -> frozenset[str]:
        return frozenset(["in_one"])

    def __post_init__(self) -> None:
        self.check_parameters(shots=0, max_subproblems=1)

    def calls_range(self) -> tuple[int, int]:
        return (1, 1) if self.one_pass else (2, 1 + self.max_subproblems)

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        if self.one_pass:
            turns = self._shown(self.in_one, problem, show_one_pass, options=True).render(problem)
            return problem.parse(await session.ask(turns))
        with session.stage("decompose"):
            plan = await session.ask(self._shown(self.decompose, problem, show_plan).render(problem))
        asked = parse_sub_questions(drop_truncated_tail(plan))
        if not asked:
            session.note("the reply asks nothing: chain of thought answers the problem")
            return await self._chain_of_thought(problem).solve(problem, session)
        last = final_question(problem)
        steps = [step for step in asked if not _repeats(step, last)]
        if len(steps) >= self.max_subproblems:
            session.note(f"{len(steps) + 1} sub-questions, of which {self.max_subproblems} are answered")
        solved: list[tuple[str, str]] = []
        for step in [*steps[: self.max_subproblems - 1], last]:
            reply = await self._answer(step, solved, problem, session, is_last=step is last)
            solved.append((step, reply.text.strip()))
            session.keep_partial(Unparsed("the question itself is not answered", text=reply.text, steps=dict(solved)))
        return problem.parse(reply)

    async def _answer(
        self, step: str, solved: list[tuple[str, str]], problem: Problem, session: Session, *, is_last: bool
    ) -> Completion:
        """Answer one sub-question; a reply that asks on is cut there."""
        values = problem.values()
        show = partial(show_last_step, kind=problem.kind) if is_last else show_earlier_step
        solver = self._shown(self.solve_next, problem, show)
        question = with_lines(step, values["options"], values["instruction"]) if is_last else step
        turns = solver.render(problem, statement=values["question_only"], solved=format_solved(solved), step=question)
        with session.stage(step):
            reply = await session.ask(turns, stop=["\nQ:"])
        return replace(reply, text=reply.text.partition("\nQ:")[0])

    def _chain_of_thought(self, problem: Problem) -> ChainOfThought:
        examples = self._shown(FEW_SHOT, problem, show_chain, options=True)
        return ChainOfThought(few_shot=examples) if examples.examples else ChainOfThought(stages=1)

    def _shown(
        self,
        prompt: Prompt,
        problem: Problem,
        show: Callable[[WorkedExample], Demonstration | None],
        *,
        options: bool = False,
    ) -> Prompt:
        return with_examples(prompt, problem, self.shots, show, self.demonstrations, options=options)
