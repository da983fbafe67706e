"""Logical thoughts: argue about each step, and revise those that do not stand (Zhao et al. 2023, arXiv 2309.13339)."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Any, Literal

from reasoning.answer import Answer, Answered
from reasoning.branches import gather
from reasoning.errors import CallFailed
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.reply_parsing import drop_truncated_tail, format_numbered, new_steps, parse_numbered
from reasoning.strategies.thought.answer_extraction import ANSWER_TOKENS, extract_answer
from reasoning.strategy import Strategy, technique

DRAFT = Prompt(
    input="{problem}\n\nLet's think step by step.",
    recap="Number the steps, one a line, beginning with #1. and ending with the step that gives the answer.",
)
_STEP = "{problem}\n\nTaken as true so far:\n{premises}\n\nThe next step to look at:\n#{number}. {step}"
DEFEND = Prompt(input=_STEP, recap="Go on, with reasons from the premises: Step #{number} is true because")
REFUTE = Prompt(input=_STEP, recap="Go on, with reasons from the premises: Step #{number} is false because")
JUDGE = Prompt(
    objective="Two reviewers disagree about a step. Decide by the premises alone who is right.",
    input=_STEP + "\n\nReview X says that it is true:\n{defence}\n\nReview Y says that it is false:\n{refutation}",
    recap="Quote the premises that decide, say what is wrong with the other review, and end with a last "
    'line: "VERDICT: TRUE" if the step stands, "VERDICT: FALSE" if it does not.',
)
JUDGE_REVERSED = JUDGE.replace(
    input=_STEP + "\n\nReview X says that it is false:\n{refutation}\n\nReview Y says that it is true:\n{defence}",
    recap="Quote the premises that decide, say what is wrong with the other review, and end with a last "
    'line: "VERDICT: FALSE" if the step does not stand, "VERDICT: TRUE" if it does.',
)
NEGATE = Prompt(
    objective="Test a step by reduction to absurdity.",
    input=_STEP,
    recap="Assume the opposite of the step. Does that contradict the premises? End with a last line: "
    '"VERDICT: TRUE" if it does (the step stands), "VERDICT: FALSE" if it does not.',
)
REVISE = Prompt(
    input=_STEP + "\n\nA review says that it is wrong:\n{refutation}",
    recap="Write this one step anew, without the mistake, as one line beginning with #{number}.",
)
GO_ON = Prompt(
    input="{problem}\n\nThe steps so far:\n{premises}",
    recap="Go on with the steps that are missing, one a line, beginning with #{number}. and ending with the step that "
    "gives the answer.",
)
# Words that may stand between "verdict" and the verdict: "Verdict: the step is **not** true".
_FILLER = r"(?:(?:is|the|this|that|it|step|statement|therefore|text|textbf|boxed|\d{1,2})\b\W{1,6}){0,6}"
# In the prompt's own words, "if", "or" or the other verdict follows.
_VERDICT = re.compile(
    rf"verdict\W{{0,12}}{_FILLER}(?P<not>not\W{{1,4}})?"
    r"(?P<value>true|false|correct|incorrect|valid|invalid|✅|✔|❌|✗)(?!\w)(?!\W{1,4}(?:if|or|true|false)\b)",
    re.IGNORECASE,
)
_LAST_LINE = re.compile(r"(?:\A|\n)(?P<not>)[^\w\n]*(?P<value>true|false)\W*\Z", re.IGNORECASE)
_STANDS = ("true", "correct", "valid", "✅", "✔")


@technique(
    title="Logical thoughts",
    authors="Zhao et al.",
    year=2023,
    arxiv="2309.13339",
    calls="1 + (1 if variant == 'negation' else 3) * s + 2 * r + a",
    rounds="1 + (1 if variant == 'negation' else 2) * s + 2 * r + a",
    counts="s: examined steps; r: revised steps; a: 1 for the answer, 2 if the verified chain's cannot be parsed and "
    "the draft's is asked for, 0 if the draft is empty",
    use_when="a strong model makes errors in single steps of a long chain and can argue about them "
    "(GSM8K, gpt-3.5-turbo: 78.75 with zero-shot chain of thought, about 80.1 with logical thoughts)",
    avoid_when="the model is small, since it believes the refutations that it invents (mixed results with Vicuna-7b"
    "); or calls are expensive, since a chain of five steps takes at least 17: compare with a vote of 17 chains",
    aliases=("lot", "logicot"),
    version=2,
)
class LogicalThoughts(Strategy):
    """Draft a chain, then examine its steps in order: keep those that stand; revise the others and regrow the rest.

    `argue_review` writes a defence and a refutation of each step and lets the model judge between
    them. `negation` asks in one call whether the step's opposite contradicts the premises. A
    revised step is not examined again, as in the paper's runs; steps after the first `max_steps`
    are kept.

    The paper's code begins the reply with "#1. ", which a chat model does not allow; the prompt
    asks for it instead. Other numbers or lines count as steps too, and a truncated step does not.
    The verdict is a line of its own, since in the paper's code any text that mentions "is true"
    passes; `step_stands` reads it. Without that line the rule of that code applies: a step stands
    if the text mentions "is true", or does not mention "is false". The answer is asked for on the
    verified chain; if none can be parsed, or a call of the verification fails, on the draft.

    Args:
        variant: how a step is examined; see above.
        max_steps: maximum number of steps to examine.
        shuffle: whether the two reviews and the two verdicts are named in a shuffled order, since a
            model may prefer the first. The order depends only on the reviews, so that a rerun asks
            the same. In the paper the defence is always first.
        temperature: temperature of all calls but the last.
        answer_tokens: maximum tokens of the last reply, which states an answer of one line.

    Source:
        Zhao et al. (2023), "Enhancing Zero-Shot Chain-of-Thought Reasoning in Large Language Models
        through Logic", arXiv 2309.13339.
    """

    variant: Literal["argue_review", "negation"] = "argue_review"
    max_steps: int = 25
    shuffle: bool = False
    temperature: float = 0.7
    answer_tokens: int = ANSWER_TOKENS
    draft: Prompt = DRAFT
    defend: Prompt = DEFEND
    refute: Prompt = REFUTE
    judge: Prompt = JUDGE
    judge_reversed: Prompt = JUDGE_REVERSED
    negate: Prompt = NEGATE
    revise: Prompt = REVISE
    go_on: Prompt = GO_ON

    def __post_init__(self) -> None:
        self.check_parameters(max_steps=1, temperature=0, answer_tokens=1)

    def calls_range(self) -> tuple[int, int]:
        reviews = 1 if self.variant == "negation" else 3
        return 1, 1 + (reviews + 2) * self.max_steps + 2

    def rounds_range(self) -> tuple[int, int]:
        reviews = 1 if self.variant == "negation" else 2
        return 1, 1 + (reviews + 2) * self.max_steps + 2

    async def solve(self, problem: Problem, session: Session) -> Answer:
        session = session.with_sampling({"temperature": self.temperature})
        with session.stage("draft"):
            reply = await session.ask(turns := self.draft.render(problem))
        draft = chain = new_steps(drop_truncated_tail(reply))
        if not draft:
            return problem.parse(reply)
        session.keep_partial(replace(problem.parse(reply), steps={"draft": draft}))
        try:
            chain = await self._verify(problem, draft, session)
        except CallFailed as error:
            if error.ends_run:
                raise
            session.note(f"the draft is used, since a call failed: {error}")
        steps = {"draft": draft, "chain": chain}
        session.keep_partial(replace(problem.parse(format_numbered(chain, "#")), steps=steps))
        answer = await extract_answer(problem, session, turns, format_numbered(chain, "#"), self.answer_tokens)
        if not isinstance(answer, Answered) and chain != draft:
            session.note("the verified chain has no answer: the draft's is used")
            answer = await extract_answer(problem, session, turns, format_numbered(draft, "#"), self.answer_tokens)
        return replace(answer, steps=steps)

    async def _verify(self, problem: Problem, pending: list[str], session: Session) -> list[str]:
        """Return the chain in which each examined step stands or was revised."""
        kept: list[str] = []
        while pending and len(kept) < self.max_steps:
            step, *pending = pending
            number = len(kept) + 1
            values = {"premises": format_numbered(kept, "#") or "(the problem alone)", "number": number, "step": step}
            with session.stage(f"step {number}"):
                refutation = await self._refutation(problem, values, session)
            if refutation is not None:
                with session.stage(f"revise step {number}"):
                    revised = await session.ask(self.revise.render(problem, **values, refutation=refutation))
                items = parse_numbered(revised.text) or [(number, revised.text.strip() or step)]
                kept.append(dict(items).get(number, items[-1][1]))
                with session.stage(f"go on after step {number}"):
                    turns = self.go_on.render(problem, premises=format_numbered(kept, "#"), number=number + 1)
                    pending = new_steps(drop_truncated_tail(await session.ask(turns)), kept)
            else:
                kept.append(step)
        return kept + pending

    async def _refutation(self, problem: Problem, values: dict[str, Any], session: Session) -> str | None:
        """Return the argument against a step that does not stand, or None if it stands."""
        if self.variant == "negation":
            review = await session.ask(self.negate.render(problem, **values))
            return None if step_stands(review.text) else review.text
        branches = session.branches(2, "review")
        prompts = [prompt.render(problem, **values) for prompt in (self.defend, self.refute)]
        reviews = await gather([branch.ask(prompt) for branch, prompt in zip(branches, prompts, strict=True)])
        defence, refutation = (review.text for review in reviews)
        reversed_ = self.shuffle and random.Random(f"{defence}\n\n{refutation}").random() < 0.5
        judge = self.judge_reversed if reversed_ else self.judge
        verdict = await session.ask(judge.render(problem, **values, defence=defence, refutation=refutation))
        return None if step_stands(verdict.text) else refutation


def step_stands(review: str) -> bool:
    """Return whether the last verdict in a review is that the step is true.

    A verdict follows the word, also in bold, in a box, in a table or as ✅, or is the last line.
    Without a verdict, a step stands if the review says " is true" or does not say " is false".
    """
    *_, verdict = [None, *_VERDICT.finditer(review)]
    if verdict := verdict or _LAST_LINE.search(review[-200:]):
        return (verdict["value"].lower() in _STANDS) is not bool(verdict["not"])
    text = review.lower()
    return " is true" in text or " is false" not in text
