"""Search task for questions of any kind: a thought is a step of the solution."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.kinds import Choice, Number, Text, YesNo
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.sandbox.program_in_text import claims_output
from reasoning.strategies.reply_parsing import format_numbered, parse_numbered
from reasoning.strategies.search.search_task import Candidate, SearchTask
from reasoning.strategies.search.verdicts import parse_score

Path = tuple[str, ...]

_SO_FAR = "{problem}\n\nThe solution so far:\n{done}"
PROPOSE = Prompt(
    objective="Solve a problem in small steps. Now think about the next step only.",
    instructions="A step is one thought or one calculation, worked out, in one or two sentences. A step that completes "
    "the solution ends with: The answer is …",
    input=_SO_FAR,
    recap="Write {thoughts} candidates for the next step, as a numbered list and nothing else. They are different "
    "ideas, not one idea in other words. Do not go on with the solution.",
)
SAMPLE = Prompt(
    objective="Solve a problem step by step.",
    input=_SO_FAR,
    recap="Write the next step and nothing after it: one idea, worked out. If it completes the solution, end with: "
    "The answer is …",
)
CONCLUDE = Prompt(
    objective="Solve a problem step by step.",
    input=_SO_FAR,
    recap="Go on from here to the end. {instruction}",
)
RATE = Prompt(
    objective="Judge the beginning of a solution: will going on like this lead to the right answer?",
    instructions="Check each step: does it follow from the problem, is the calculation right, does it bring the "
    "solution closer? A mistake that nothing takes back makes it hopeless. Output of a program that was not run counts "
    "as a guess.",
    output_format='The first line is "Score:" and a number from 1 (hopeless) to 10 (surely right). Then one or two '
    "sentences say why. Do not go on with the solution.",
    examples=(
        Demonstration(
            "A box holds 8 pens. Ann buys 3 boxes and loses 4 pens. How many pens are left?\n\nThe solution so far:\n"
            "1. Three boxes hold 3 * 8 = 24 pens.",
            "Score: 9\nThe calculation is right, and the pens of all boxes are what the 4 are taken from.",
        ),
        Demonstration(
            "A shirt costs 20 dollars and is 25% cheaper today. What do 2 shirts cost today?\n\nThe solution so far:\n"
            "1. Today a shirt costs 20 - 25 = -5 dollars.",
            "Score: 1\nThe 25% were taken for 25 dollars, and no price is below zero.",
        ),
    ),
    input=_SO_FAR,
    recap='Begin with "Score:".',
)
NOTHING = "(nothing yet)"
NOT_RUN = "(This program was not run: its output is a guess.)"


@dataclass(frozen=True, repr=False)
class Steps(SearchTask[Path]):
    """Build a solution from steps in words; the last level asks for all the rest.

    A path is finished when it states an answer. Among several kept paths a vote weighted by their
    values chooses numbers, options, yes and no; for other kinds the first-ranked answer is taken.
    Programs in a step do not run. The prompts that rate and compare steps mark the output that a step
    states as a guess.

    Attributes:
        thoughts: number of next steps that a proposal asks for.
    """

    name: ClassVar[str] = "steps"
    breadth: ClassVar[int] = 3
    thoughts: int = 3
    next: Prompt = PROPOSE
    one: Prompt = SAMPLE
    end: Prompt = CONCLUDE
    rate: Prompt = RATE

    def fits(self, problem: Problem) -> bool:
        return True

    def start(self, problem: Problem) -> Path:
        return ()

    def propose(self, problem: Problem, state: Path) -> Conversation:
        return self.next.render(problem, done=_done(state), thoughts=self.thoughts)

    def parse_proposals(self, problem: Problem, state: Path, replies: Sequence[str]) -> list[Path]:
        """Return a path for each item of each list; a reply without a list is one thought."""
        lists = [[item for _, item in parse_numbered(reply)] or [reply.strip()] for reply in replies]
        return [(*state, step) for items in lists for step in items if step]

    def sample(self, problem: Problem, state: Path) -> Conversation:
        return self.one.render(problem, done=_done(state))

    def conclude(self, problem: Problem, state: Path) -> Conversation:
        return self.end.render(problem, done=_done(state))

    def parse_sample(self, problem: Problem, state: Path, reply: str) -> Path | None:
        return (*state, reply.strip()) if reply.strip() else None

    def judge(self, problem: Problem, state: Path) -> Sequence[Conversation]:
        return [self.rate.render(problem, done=_done(_flagged(state)))]

    def vote(self, problem: Problem, states: Sequence[Path]) -> Conversation:
        return super().vote(problem, [_flagged(state) for state in states])

    def value(self, replies: Sequence[str]) -> float:
        """Return the mean of the scores that can be parsed."""
        scores = [score for reply in replies if (score := parse_score(reply)) is not None]
        return sum(scores) / len(scores) if scores else 0.0

    def is_finished(self, problem: Problem, state: Path) -> bool:
        answer = problem.parse(state[-1]) if state else None
        return isinstance(answer, Answered) and answer.is_stated

    def answer_of(self, problem: Problem, state: Path) -> Answered | Unparsed:
        """Return the answer; in a text that is itself the result, only the last thought counts, not the plans."""
        if isinstance(problem.kind, Text) and problem.kind.whole and state:
            return problem.parse(state[-1])
        return super().answer_of(problem, state)

    def choose(self, problem: Problem, candidates: Sequence[Candidate]) -> Answer:
        if not isinstance(problem.kind, Number | Choice | YesNo):
            return super().choose(problem, candidates)
        weights: dict[Hashable, float] = {}
        first_answers: dict[Hashable, Answered] = {}
        for answer, value in candidates:
            if isinstance(answer, Answered):
                key = problem.kind.key(answer.value)
                weights[key] = weights.get(key, 0.0) + value
                first_answers.setdefault(key, answer)
        return first_answers[max(weights, key=weights.__getitem__)] if weights else candidates[0][0]


def _done(state: Path) -> str:
    return format_numbered(state) or NOTHING


def _flagged(state: Path) -> Path:
    """Return the steps as a judge sees them: those that state the output of a program say that it is made up."""
    return tuple(f"{step}\n{NOT_RUN}" if claims_output(step) else step for step in state)
