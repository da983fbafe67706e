"""Thread of thought: walk through a chaotic context part by part, then answer (Zhou et al. 2023, arXiv 2311.08734)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from reasoning.answer import Answer
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.thought.answer_extraction import ANSWER_TOKENS, extract_answer
from reasoning.strategy import Strategy, technique

WALK = Prompt(
    input="{problem}",
    recap="Go through all of this step by step, in parts that are easy to manage: sum each part up and analyse it "
    "before you go on to the next.",
)
# The paper's sentence, as it stands.
PAPER_WALK = Prompt(
    input="{problem}",
    recap="Walk me through this context in manageable parts step by step, summarizing and analyzing as we go.",
)


@technique(
    title="Thread of thought",
    authors="Zhou et al.",
    year=2023,
    arxiv="2311.08734",
    calls="2",
    rounds="2",
    requires=("context",),
    use_when="the answer is in a long context of many parts, most of them irrelevant, such as retrieved passages "
    "(PopQA, gpt-3.5-turbo: 57.4 against 48.2 with chain of thought)",
    avoid_when="the context is short or missing: the walk only costs tokens; or the context fills the window, "
    "since both calls read all of it (arXiv 2311.08734)",
    aliases=("thot",),
)
class ThreadOfThought(Strategy):
    """Summarise and analyse the context part by part, then answer with these notes in view.

    It makes two calls, as in the paper: the second continues the conversation and sees the context,
    the notes and the kind's answer trigger. The notes get more tokens than usual, so that they
    reach the relevant passage. Truncated notes are used as they are, with a note in the trace. The
    request to walk through the context comes last, as for passages; for conversations the paper
    puts it first: replace `walk`. If the second reply is empty, the last sentence of the notes is
    parsed.

    The request is in our words by default. `wording="paper"` sends the paper's sentence, the best of
    thirty that it compares (exact match of 0.39 to 0.55), to which the published figures belong. The
    kind's trigger takes the place of its "Therefore, the answer:".

    Args:
        max_tokens: maximum tokens of the notes; a larger limit of the model takes its place.
        answer_tokens: maximum tokens of the second reply, which states an answer of one line.
        wording: "own" for our request, "paper" for the paper's sentence.

    Source:
        Zhou et al. (2023), "Thread of Thought Unraveling Chaotic Contexts", arXiv 2311.08734.
    """

    max_tokens: int = 2048
    answer_tokens: int = ANSWER_TOKENS
    wording: Literal["own", "paper"] = "own"
    walk: Prompt = WALK
    paper_walk: Prompt = PAPER_WALK

    def __post_init__(self) -> None:
        self.check_parameters(max_tokens=1, answer_tokens=1)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        turns = (self.paper_walk if self.wording == "paper" else self.walk).render(problem)
        with session.stage("walk"):
            notes = await session.ask(turns, max_tokens=session.at_least(self.max_tokens))
        if notes.truncated:
            session.note(f"the notes were truncated at {notes.max_tokens} tokens: parts of the context may be missing")
        answer = await extract_answer(problem, session, turns, notes.text, self.answer_tokens)
        if answer.text.strip():
            return answer
        session.note("the answer stage is empty: the last sentence of the notes is parsed")
        return problem.parse(replace(notes, text=re.split(r"(?<=[.!?])\s", notes.text.strip())[-1]))
