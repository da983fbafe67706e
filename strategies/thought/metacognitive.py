"""Metacognitive prompting: reflect on the first judgement in five stages (Wang & Zhao 2023, arXiv 2308.05342)."""

from __future__ import annotations

import re
from dataclasses import replace

from reasoning.answer import Answer, Answered, Unparsed
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

_HEADING = r"^\W{{0,6}}(?:(?:part|stage|step) )?{}\W{{1,6}}\s?{}\b[*_ ]{{0,4}}[:.–—-]?[*_ ]{{0,4}}"
_DECISION = re.compile(_HEADING.format(4, "decision"), re.MULTILINE | re.IGNORECASE)
_CONFIDENCE = re.compile(_HEADING.format(5, "confidence"), re.MULTILINE | re.IGNORECASE)
# On a line of its own.
_STATED = re.compile(
    r"\n(?:\W{0,6}(?:(?:so|thus|hence|therefore),? )?(?:(?:the|my) )?(?:final )?answer(?:\W{0,4}:| is\b)"
    r"|\s*####\s|\W{0,6}boxed\{)",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,4})?)\s?\\?(?:%|percent\b)")
# The scale of the confidence, not its value.
_SCALE = re.compile(r"\b[01]\s?\\?%?\s?(?:to|[-–])\s?100\s?\\?%")


@technique(
    title="Metacognitive prompting",
    authors="Wang & Zhao",
    year=2023,
    arxiv="2308.05342",
    calls="1",
    rounds="1",
    use_when="a text must be understood in fine detail: inference, word senses, classification of legal or "
    "medical texts (GPT-4, zero-shot, EUR-LEX: 37.4 -> 43.8 against chain of thought)",
    avoid_when="the question is easy: 68 % of the errors are overthinking, 32 % a right first judgement that was "
    "changed; the confidence ranks answers but is badly calibrated (arXiv 2308.05342)",
    aliases=("mp",),
)
class Metacognitive(Strategy):
    """Understand, judge, criticise the judgement, decide, and state the confidence: five parts of one reply.

    The answer is what a line below part 5 states, or else what part 4 says; the first judgement
    never counts. A reply without the heading of part 4 is parsed as a whole, unless it was
    truncated. The confidence is the first percentage of part 5, or None. The paper assigns an
    expert's role for each task: replace the prompt's `persona`. Its 5-shot form takes `examples`
    with five parts.

    Source:
        Wang & Zhao (2023), "Metacognitive Prompting Improves Understanding in Large Language
        Models", arXiv 2308.05342.
    """

    stages: Prompt = STAGES

    async def solve(self, problem: Problem, session: Session) -> Answer:
        reply = await session.ask(self.stages.render(problem))
        text = reply.text
        decision, confidence = _last(_DECISION, text), _last(_CONFIDENCE, text)
        if decision is None and reply.truncated:
            return Unparsed("the reply was truncated before its decision", text=text)
        part4, part5 = text[decision.end() if decision else 0 :], text[confidence.end() :] if confidence else ""
        answer: Answer
        if decision and confidence and decision.end() <= confidence.start():
            answer = problem.parse(text[decision.end() : confidence.start()])
            stated = _last(_STATED, part5)
            answer_below = problem.parse(replace(reply, text=part5[stated.start() :])) if stated else None
            answer = answer_below if isinstance(answer_below, Answered) and answer_below.is_stated else answer
        else:
            answer = problem.parse(replace(reply, text=part4))
        percentage = _PERCENT.search(_SCALE.sub("", part5))
        if percentage is None or not 0 <= float(percentage[1]) <= 100:
            session.note("part 5 states no confidence")
            percentage = None
        share = float(percentage[1]) / 100 if percentage and isinstance(answer, Answered) else None
        return replace(answer, text=text, confidence=share)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Return the last match of a pattern, or None."""
    return next(reversed(list(pattern.finditer(text))), None)
