"""Metacognitive prompting: five stages of looking at one's own judgement (Wang & Zhao 2023, arXiv 2308.05342)."""

from __future__ import annotations

import re
from dataclasses import replace

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.kinds import Region
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategy import Strategy, technique

STAGES = Prompt(
    objective="Answer the question, and watch your own judgement while you do.",
    instructions="Write five numbered parts, each under its heading:\n"
    "1. Understanding: say in your own words what is given and what is asked.\n"
    "2. First judgement: what the answer seems to be, and why.\n"
    "3. Criticism: look for what could be wrong with this judgement; if you are not sure of it, judge anew.\n"
    "4. Decision: the answer on which you settle, and the reason.\n"
    "5. Confidence: how sure you are of the decision, from 0% to 100%, and why.",
    input="{problem}",
    recap="Write the five parts. {instruction}",
)

_DECISION = re.compile(r"^\W{0,6}4\W{1,6}\s?Decision", re.MULTILINE | re.IGNORECASE)
_CONFIDENCE = re.compile(r"^\W{0,6}5\W{1,6}\s?Confidence", re.MULTILINE | re.IGNORECASE)
_PERCENT = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,4})?)\s?(?:%|percent\b)")


@technique(
    title="Metacognitive prompting",
    authors="Wang & Zhao",
    year=2023,
    arxiv="2308.05342",
    calls="1",
    waves="1",
    use_when="a text has to be understood and its meaning is fine-grained: inference, word senses, classes of legal or "
    "medical texts (GPT-4, zero-shot, EUR-LEX: 37.4 -> 43.8 against chain of thought)",
    avoid_when="the question is easy: 68 % of its errors are overthinking, 32 % a right first judgement that was "
    "corrected; and its confidence only ranks answers, it is badly calibrated (arXiv 2308.05342)",
    aliases=("mp",),
)
class Metacognitive(Strategy):
    """Understand, judge, criticise the judgement, decide, and say how sure one is: five parts of one reply.

    The answer is read behind the heading of part 4, never from the first judgement: what is stated there, else what
    part 4 says. A reply without such a heading is read as a whole, unless it was cut off. The confidence is the first
    percentage of part 5; None where there is none. The paper gives the expert's role for each task: replace the
    prompt's `persona`. Its 5-shot form takes `examples` with five parts.
    """

    stages: Prompt = STAGES

    async def solve(self, problem: Problem, session: Session) -> Answer:
        reply = await session.ask(self.stages.for_(problem))
        decision, confidence = _last(_DECISION, reply.text), _last(_CONFIDENCE, reply.text)
        if not decision and reply.truncated:
            return Unparsed("the reply was cut off before its decision", text=reply.text)
        answer = problem.read(reply, region=Region(after=decision))
        if decision and not (isinstance(answer, Answered) and answer.stated):
            answer = problem.read(reply, region=Region(after=decision, before=confidence))
        sure = _PERCENT.search(reply.text.rpartition(confidence)[2]) if confidence else None
        if sure is None or not 0 <= float(sure[1]) <= 100:
            session.note("part 5 gives no confidence")
            return answer
        return replace(answer, text=reply.text, confidence=float(sure[1]) / 100)


def _last(heading: re.Pattern[str], text: str) -> str:
    """The last place where a heading stands, as it is written; empty where there is none."""
    return next((match[0] for match in reversed(list(heading.finditer(text)))), "")
