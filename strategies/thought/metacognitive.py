"""Metacognitive prompting: reflect on the first judgement in five stages (Wang & Zhao 2023, arXiv 2308.05342)."""

from __future__ import annotations

import re
from dataclasses import replace

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.thought.confidence import Confidence, parse_confidence
from reasoning.strategy import Strategy, technique

STAGES = Prompt(
    objective="Answer the question, and watch your own judgement while you do.",
    instructions="Write five numbered parts, each under its heading:\n"
    "1. Understanding: say in your own words what is given and what is asked.\n"
    "2. First judgement: what the answer seems to be, and why. If it takes a calculation, show every step of it.\n"
    "3. Criticism: look for what could be wrong with this judgement; if you are not sure of it, judge anew.\n"
    "4. Decision: the answer on which you settle, and the reason.\n"
    "5. Confidence: how sure you are of the decision, from 0% to 100%, and why.",
    input="{problem}",
    recap="Write the five parts. {instruction}",
)

# "4. Decision:", "### Part 4 – **Final decision**", "| 4 | Decision | …", "④ Decision", "4️⃣ Decision", "**Decision:**".
_ADJECTIVES = r"(?:(?:my|the|final|confirmed|overall) ){{0,2}}"
_HEADING = (
    r"^[^\w\n①-⑳]{{0,8}}(?:(?:(?:part|stage|step) )?(?:{number}\ufe0f?\u20e3?|{circled})[^\w\n]{{1,6}}"
    rf"{_ADJECTIVES}(?:{{words}})\b|{_ADJECTIVES}(?:{{word}})(?=[*_\"' ]{{{{0,4}}}}(?:[:：|]|$)))"
    r"[*_\"' ]{{0,4}}[:：.|–—-]?[*_ ]{{0,4}}"
)
_DECISION = re.compile(
    _HEADING.format(number=4, circled="④", words="decision|answer|judge?ment|conclusion", word="decision"),
    re.MULTILINE | re.IGNORECASE,
)
_CONFIDENCE = re.compile(
    _HEADING.format(number=5, circled="⑤", words="confidence", word="confidence(?: (?:level|score|rating))?"),
    re.MULTILINE | re.IGNORECASE,
)
# On a line of its own.
_STATED = re.compile(
    r"\n(?:\W{0,6}(?:(?:so|thus|hence|therefore),? )?(?:(?:the|my) )?(?:final )?answer(?:\W{0,4}[:：]| is\b)"
    r"|\s{0,20}####\s|\W{0,6}boxed\{)",
    re.IGNORECASE,
)
# A copy of the prompt's words on the confidence, and a number below it.
_HOW_SURE = re.compile(r"\bhow (?:sure|confident|certain)\b|\b0\s?%?\s?(?:to|-|–)\s?100\b", re.IGNORECASE)
_BARE = re.compile(r"[^\w\n]{0,8}(100|\d{1,2})[.*_]{0,4}[ \t]*(?:\n|\Z)")
_ASKS_FOR_SHARE = re.compile(r"%|\bpercent|\bper cent\b", re.IGNORECASE)


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
    version=2,
)
class Metacognitive(Strategy):
    """Understand, judge, criticise the judgement, decide, and state the confidence: five parts of one reply.

    The answer is what a line below part 5 states, or else what part 4 says; the first judgement
    never counts, and neither does a confidence ("The answer is 80% confident"). A reply without the
    heading of part 4 is parsed as a whole, unless it was truncated. The confidence is the first that
    part 5 states, as a percentage or as in "8/10", "80 out of 100" or "0.8"; without one it is None.
    The paper assigns an expert's role for each task: replace the prompt's `persona`. Its 5-shot form
    takes `examples` with five parts. The five stages are the paper's, the prompt is in our words, and
    that the first judgement shows its calculations is ours.

    Source:
        Wang & Zhao (2023), "Metacognitive Prompting Improves Understanding in Large Language
        Models", arXiv 2308.05342.
    """

    stages: Prompt = STAGES

    @property
    def free_text_prompts(self) -> frozenset[str]:
        return frozenset(["stages"])

    async def solve(self, problem: Problem, session: Session) -> Answer:
        reply = await session.ask(self.stages.render(problem))
        text = reply.text
        decision, confidence = _last(_DECISION, text), _last(_CONFIDENCE, text)
        if decision is None and reply.truncated:
            return Unparsed("the reply was truncated before its decision", text=text)
        part5 = text[confidence.end() :] if confidence else ""
        if decision and confidence and decision.end() <= confidence.start():
            answer, stated_share = _decide(text[decision.end() : confidence.start()], part5, reply, problem)
        else:
            answer = problem.parse(replace(reply, text=text[decision.end() if decision else 0 :]))
            stated_share = parse_confidence(part5)
        if stated_share is None:
            session.note("part 5 states no confidence")
        share = stated_share.share if stated_share and isinstance(answer, Answered) else None
        return replace(answer, text=text, confidence=share)


def _decide(part4: str, part5: str, reply: Completion, problem: Problem) -> tuple[Answer, Confidence | None]:
    """Return the answer below part 5, or else that of part 4, and the confidence."""
    decided: Answer = problem.parse(part4.rstrip(" \t\n|"))
    stated = _last(_STATED, part5)
    before = parse_confidence(part5[: stated.start()] if stated else part5)
    if stated is None:
        return decided, before
    below = problem.parse(replace(reply, text=part5[stated.start() :]))
    behind = parse_confidence(part5[stated.end() :], percent_only=True)
    is_share = behind is not None and not part5[stated.end() : stated.end() + behind.start].strip(" \t\n*_$\\([|")
    if is_share and before is None and not _ASKS_FOR_SHARE.search(problem.question):
        # "The answer is 80% confident" states the confidence.
        return decided, behind
    if before is None and _HOW_SURE.search(part5, 0, stated.start()) and (bare := _BARE.match(part5, stated.end())):
        # "How sure you are, from 0% to 100%, and why. Answer: 90."
        return decided, Confidence(int(bare[1]) / 100, bare.start(1))
    answer = below if isinstance(below, Answered) and below.is_stated else decided
    return answer, before or (None if is_share else behind)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Return the last match of a pattern, or None."""
    return next(reversed(list(pattern.finditer(text))), None)
