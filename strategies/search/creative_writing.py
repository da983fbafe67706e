"""Search task for creative writing (Yao et al. 2023): a thought is a plan, then the passage that follows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from reasoning.answer import Answered, Unparsed
from reasoning.errors import UsageError
from reasoning.kinds import Text
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.strategies.reply_parsing import with_headings
from reasoning.strategies.search.search_task import SearchTask
from reasoning.strategies.search.verdicts import parse_score

Draft = tuple[str, ...]
"""Nothing, a plan, or a plan and a passage."""

PLAN = Prompt(
    objective="Plan a text before it is written.",
    input="{problem}",
    recap="Make a plan of the text: one line a paragraph, with what it says and how it leads to the next one. Write "
    "only the plan, not the text.\n\nPlan:",
)
PASSAGE = Prompt(
    objective="Write a text that follows a plan.",
    input="{problem}\n\nPlan:\n{plan}",
    recap="Write the text and nothing else: one coherent passage that keeps to the plan and to what is asked.\n\n"
    "Passage:",
)
_BEST = 'Then end with a last line: "The best choice is" and the number of a candidate.'
PLAN_BALLOT = Prompt(
    objective="Compare several plans of a text and pick the one that leads to the most coherent text.",
    input="{problem}\n\nThe plans:\n\n{candidates}",
    recap="Analyse each plan: does it keep to what is asked, and does each paragraph follow from the one before? "
    + _BEST,
)
PASSAGE_BALLOT = Prompt(
    objective="Compare several texts and pick the most coherent one.",
    input="{problem}\n\nThe texts:\n\n{candidates}",
    recap="Analyse each text: does it keep to what is asked, and does each sentence follow from the one before? "
    + _BEST,
)
COHERENCE = Prompt(
    objective="Judge how coherent a text, or the plan of one, is.",
    input="{problem}\n\n{draft}",
    recap='Analyse it in a few sentences. Then end with a last line: "Thus the coherency score is" and a number from 1 '
    "(incoherent) to 10 (very coherent).",
)

_PLAN = re.compile(r"^[#*_ \t]{0,6}(?:the |my )?plan[*_]{0,3} ?(?::[*_]{0,3}|$)", re.IGNORECASE | re.MULTILINE)
_PASSAGE = re.compile(
    r"^[#*_ \t]{0,6}(?:the |final )?(?:passage|text|story)[*_]{0,3} ?(?::[*_]{0,3}|$)", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, repr=False)
class CreativeWriting(SearchTask[Draft]):
    """Write a text: several plans, votes for the best one, several passages that follow it, and votes again.

    The question says what to write; in the paper, a passage of four paragraphs with given last
    sentences. The order of plan and passage and the phrases "The best choice is" and "the coherency
    score is" are the paper's; the other words are ours. The task is used if it is named, with
    `generate='sample'`: `tree_of_thoughts(task='creative_writing', generate='sample',
    evaluate='vote', breadth=1, depth=2, draws=5, judgements=5, temperature=1.0)`.
    `evaluate='value'` judges the coherence of each draft from 1 to 10 instead of voting.
    """

    name: ClassVar[str] = "creative_writing"
    plan: Prompt = PLAN
    passage: Prompt = PASSAGE
    coherence: Prompt = COHERENCE
    plan_ballot: Prompt = PLAN_BALLOT
    ballot: Prompt = field(default=PASSAGE_BALLOT, kw_only=True)

    def start(self, problem: Problem) -> Draft:
        if not isinstance(problem.kind, Text):
            raise UsageError(
                f"creative_writing writes texts, got a problem of kind {problem.kind.name!r}: use kinds.Text()"
            )
        return ()

    def propose(self, problem: Problem, state: Draft) -> Conversation:
        raise UsageError("the task 'creative_writing' draws each plan and passage: use generate='sample'")

    def parse_proposals(self, problem: Problem, state: Draft, replies: Sequence[str]) -> list[Draft]:
        return [draft for reply in replies if (draft := self.parse_sample(problem, state, reply))]

    def sample(self, problem: Problem, state: Draft) -> Conversation:
        return self.passage.render(problem, plan=state[0]) if state else self.plan.render(problem)

    def conclude(self, problem: Problem, state: Draft) -> Conversation | None:
        return self.sample(problem, state) if state else None

    def parse_sample(self, problem: Problem, state: Draft, reply: str) -> Draft | None:
        """Return the draft with the plan or the passage of a reply.

        A passage after the plan in the same reply is left out, and so is a plan that is repeated
        before the passage.
        """
        if passage := _PASSAGE.search(reply):
            reply = reply[passage.end() :] if state else reply[: passage.start()]
        if not state and (plan := _PLAN.search(reply)):
            reply = reply[plan.end() :]
        return (*state, reply.strip()) if reply.strip() else None

    def vote(self, problem: Problem, states: Sequence[Draft]) -> Conversation:
        ballot = self.ballot if len(states[0]) > 1 else self.plan_ballot
        return ballot.render(problem, candidates=with_headings("Candidate", [state[-1] for state in states]))

    def is_finished(self, problem: Problem, state: Draft) -> bool:
        return len(state) > 1

    def show(self, problem: Problem, state: Draft) -> str:
        return state[-1] if state else ""

    def answer_of(self, problem: Problem, state: Draft) -> Answered | Unparsed:
        """Return the passage: all of it, whatever length the problem's kind asks for."""
        if len(state) < 2:
            return Unparsed("only a plan is written: give depth=2", text=self.show(problem, state))
        return replace(problem, kind=Text(whole=True)).parse(state[-1])

    def judge(self, problem: Problem, state: Draft) -> Sequence[Conversation]:
        label = "Text" if len(state) > 1 else "Plan"
        return [self.coherence.render(problem, draft=f"{label}:\n{state[-1]}")]

    def value(self, replies: Sequence[str]) -> float:
        scores = [score for reply in replies if (score := parse_score(reply)) is not None]
        return sum(scores) / len(scores) if scores else 0.0
