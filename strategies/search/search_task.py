"""Search tasks: the start of a tree search, its prompts, and the parsing of replies.

A user's own task takes a few lines; prompts are fields, so that they can be read and replaced:

    NEXT = Prompt(input="{problem}\\nDone so far: {done}\\nList three next steps, one a line.")
    RATE = Prompt(input="{problem}\\nDone so far: {done}\\nIs this sure, likely or impossible to work?")

    @dataclass(frozen=True)
    class Countdown(SearchTask[tuple[str, ...]]):
        name = "countdown"
        next: Prompt = NEXT
        rate: Prompt = RATE

        def start(self, problem):
            return ()

        def propose(self, problem, state):
            return self.next.render(problem, done="; ".join(state))

        def parse_proposals(self, problem, state, replies):
            return [(*state, line) for reply in replies for line in reply.splitlines() if line.strip()]

        def judge(self, problem, state):
            return [self.rate.render(problem, done="; ".join(state))]

        def value(self, replies):
            return sum({"sure": 20, "likely": 1}.get(parse_label(reply, ("sure", "likely")), 0) for reply in replies)
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import ClassVar, Generic, TypeVar

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.errors import UsageError
from reasoning.messages import Conversation
from reasoning.parameters import to_spec
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.strategies.reply_parsing import with_headings

S = TypeVar("S", bound=Hashable)

Candidate = tuple[Answered | Unparsed, float]
"""The answer in a state that was kept, and the value of the state."""

BALLOT = Prompt(
    objective="Compare several candidates and pick the most promising one.",
    input="{problem}\n\nThe candidates:\n\n{candidates}",
    recap="Say in a few sentences what speaks for and against each. Then end with a last line: "
    '"The best choice is" and the number of a candidate.',
)


@dataclass(frozen=True, repr=False)
class SearchTask(ABC, Generic[S]):
    """A task for `tree_of_thoughts`.

    A state is a hashable value; equal states are explored once. A task defines the five abstract
    methods, and overrides the others if needed.

    Attributes:
        name: name of the task in a spec and in messages.
        breadth: number of states to keep at each level, at most 5, if `tree_of_thoughts` sets none.
        ballot: the prompt that asks for a vote.
    """

    name: ClassVar[str]
    breadth: ClassVar[int] = 5
    ballot: Prompt = field(default=BALLOT, kw_only=True)

    def __repr__(self) -> str:
        spec = to_spec(type(self).__name__, self)
        return spec if spec.endswith(")") else f"{spec}()"

    def prompts(self) -> Iterator[tuple[str, Prompt]]:
        """Yield the task's prompts with their names."""
        for prompt_field in fields(self):
            if isinstance(prompt := getattr(self, prompt_field.name), Prompt):
                yield prompt_field.name, prompt

    def fits(self, problem: Problem) -> bool:
        """Return whether the task suits a problem for which none is named."""
        return False

    @abstractmethod
    def start(self, problem: Problem) -> S:
        """Return the state before the first thought.

        Raises:
            UsageError: the problem does not suit the task.
        """

    @abstractmethod
    def propose(self, problem: Problem, state: S) -> Conversation | None:
        """Return the prompt that asks for several next thoughts in one reply, or None if none can follow."""

    @abstractmethod
    def parse_proposals(self, problem: Problem, state: S, replies: Sequence[str]) -> list[S]:
        """Return the valid states that the replies lead to, best first if the replies rank them."""

    @abstractmethod
    def judge(self, problem: Problem, state: S) -> Sequence[Conversation]:
        """Return the prompts that ask how promising a state or its parts are; empty if it is too early."""

    @abstractmethod
    def value(self, replies: Sequence[str]) -> float:
        """Return the value of a state from the replies to `judge`; unparsed replies do not count."""

    def sample(self, problem: Problem, state: S) -> Conversation:
        """Return the prompt that asks for one next thought."""
        raise UsageError(f"the task {self.name!r} proposes thoughts and cannot sample them: use generate='propose'")

    def conclude(self, problem: Problem, state: S) -> Conversation | None:
        """Return the prompt that asks for the rest on the last level, or None to treat it like other levels."""
        return None

    def parse_sample(self, problem: Problem, state: S, reply: str) -> S | None:
        """Return the state that a reply to `sample` or `conclude` leads to, or None if it is invalid.

        A task that defines `sample` or `conclude` must define this too.
        """
        raise UsageError(f"the task {self.name!r} asks for single thoughts and must define parse_sample(…)")

    def vote(self, problem: Problem, states: Sequence[S]) -> Conversation:
        """Return the prompt that asks for the best of several states."""
        listed = with_headings("Candidate", [self.show(problem, state) for state in states])
        return self.ballot.render(problem, candidates=listed)

    def is_finished(self, problem: Problem, state: S) -> bool:
        """Return whether a state is complete."""
        return False

    def show(self, problem: Problem, state: S) -> str:
        """Return the state as text, in which the problem's kind finds the answer."""
        return "\n".join(map(str, state)) if isinstance(state, tuple) else str(state)

    def answer_of(self, problem: Problem, state: S) -> Answered | Unparsed:
        """Return the answer in a state, as the problem's kind parses it."""
        return problem.parse(self.show(problem, state))

    def is_right(self, problem: Problem, answer: Answered) -> bool:
        """Return whether an answer passes the checks that need no target."""
        return True

    def choose(self, problem: Problem, candidates: Sequence[Candidate]) -> Answer:
        """Choose among the kept states, best first: the first answer that passes `is_right`, else the first one."""
        answered = [answer for answer, _ in candidates if isinstance(answer, Answered)]
        return next(
            (answer for answer in answered if self.is_right(problem, answer)),
            answered[0] if answered else candidates[0][0],
        )


def parse_label(reply: str, known: Sequence[str]) -> str | None:
    """Return the last known word on a reply's last line with a letter.

    It is None if there is no such word, if it is negated ("not sure"), or if all known words occur,
    which repeats the prompt.
    """
    line = next((line.lower() for line in reversed(reply.splitlines()) if any(map(str.isalpha, line))), "")
    labels = [word for word in re.findall(r"(?<!not )(?<![a-z])[a-z]+", line) if word in known]
    return labels[-1] if labels and (len(known) < 2 or set(labels) < set(known)) else None
