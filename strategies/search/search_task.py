"""What a tree search must know of a task: where it starts, what to ask the model, how its replies are read.

A task of one's own takes a few lines; prompts are fields, so that they can be read and replaced:

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

        def proposed(self, problem, state, replies):
            return [(*state, line) for reply in replies for line in reply.splitlines() if line.strip()]

        def judge(self, problem, state):
            return [self.rate.render(problem, done="; ".join(state))]

        def value(self, replies):
            return sum({"sure": 20, "likely": 1}.get(label(reply, ("sure", "likely")), 0) for reply in replies)
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

S = TypeVar("S", bound=Hashable)

Candidate = tuple[Answered | Unparsed, float]
"""What the kind reads in a state that was kept, and the state's value."""

BALLOT = Prompt(
    objective="Compare several candidates and pick the most promising one.",
    input="{problem}\n\nThe candidates:\n\n{candidates}",
    recap="Say in a few sentences what speaks for and against each. Then end with a last line: "
    '"The best choice is" and the number of a candidate.',
)

_CHOSEN = re.compile(r"best choice(?: is|:)?\D{0,20}(\d{1,4})", re.IGNORECASE)


@dataclass(frozen=True, repr=False)
class SearchTask(ABC, Generic[S]):
    """A task for `tree_of_thoughts`. A state is a hashable value; two that are equal are explored once.

    The five abstract methods make a task; the others say more where there is more to say.

    Attributes:
        breadth: states to keep at each level, at most 5, where `tree_of_thoughts` is not told how many.
        ballot: what asks for a vote.
    """

    name: ClassVar[str]
    breadth: ClassVar[int] = 5
    ballot: Prompt = field(default=BALLOT, kw_only=True)

    def __repr__(self) -> str:
        shown = to_spec(type(self).__name__, self)
        return shown if shown.endswith(")") else f"{shown}()"

    def prompts(self) -> Iterator[tuple[str, Prompt]]:
        """Its prompts by name."""
        for one in fields(self):
            if isinstance(prompt := getattr(self, one.name), Prompt):
                yield one.name, prompt

    def fits(self, problem: Problem) -> bool:
        """Whether this task is the one for the problem, where none is named."""
        return False

    @abstractmethod
    def start(self, problem: Problem) -> S:
        """The state before the first thought. Raises UsageError where the problem is not of this task."""

    @abstractmethod
    def propose(self, problem: Problem, state: S) -> Conversation | None:
        """Ask for several next thoughts in one reply; None where nothing can follow."""

    @abstractmethod
    def parse_proposals(self, problem: Problem, state: S, replies: Sequence[str]) -> list[S]:
        """The states that the replies lead to, the best first where the replies tell. What is not valid is left out."""

    @abstractmethod
    def judge(self, problem: Problem, state: S) -> Sequence[Conversation]:
        """Ask how promising a state is: one prompt, or one for each part of it; none where nothing can be said yet."""

    @abstractmethod
    def value(self, replies: Sequence[str]) -> float:
        """How promising the replies to `judge` say that a state is; what cannot be read does not count."""

    def sample(self, problem: Problem, state: S) -> Conversation:
        """Ask for one next thought."""
        raise UsageError(f"the task {self.name!r} has thoughts proposed, not sampled: use generate='propose'")

    def conclude(self, problem: Problem, state: S) -> Conversation | None:
        """Ask for all that is missing, on the last level of the tree; None where it is a level as any other."""
        return None

    def parse_sample(self, problem: Problem, state: S, reply: str) -> S | None:
        """The state that a reply to `sample` or `conclude` leads to; None where it is not valid.

        A task that has one of these gives this too.
        """
        raise UsageError(f"the task {self.name!r} asks for single thoughts, and lacks sampled(…) to read them")

    def vote(self, problem: Problem, states: Sequence[S]) -> Conversation:
        """Ask which of several states is the best one."""
        shown = "\n\n".join(f"Candidate {i}:\n{self.show(problem, state)}" for i, state in enumerate(states, 1))
        return self.ballot.render(problem, candidates=shown)

    def is_finished(self, problem: Problem, state: S) -> bool:
        """Whether nothing is missing."""
        return False

    def show(self, problem: Problem, state: S) -> str:
        """The state in words, in which the problem's kind finds the answer."""
        return "\n".join(map(str, state)) if isinstance(state, tuple) else str(state)

    def answer_of(self, problem: Problem, state: S) -> Answered | Unparsed:
        """The answer in a state: the problem's kind reads it."""
        return problem.parse(self.show(problem, state))

    def is_right(self, problem: Problem, answer: Answered) -> bool:
        """Whether an answer passes what can be checked without knowing the target."""
        return True

    def choose(self, problem: Problem, candidates: Sequence[Candidate]) -> Answer:
        """The answer, from the states that were kept, best first: the first that passes the check, else the first."""
        read = [answer for answer, _ in candidates if isinstance(answer, Answered)]
        return next((one for one in read if self.is_right(problem, one)), read[0] if read else candidates[0][0])


def parse_label(reply: str, known: Sequence[str]) -> str | None:
    """The last of the known words on a reply's last line; None where there is none, where it is denied ("not sure"), or
    where all of them stand there, which are the words of the prompt."""
    line = reply.strip().rpartition("\n")[2].lower()
    named = [word for word in re.findall(r"(?<!not )(?<![a-z])[a-z]+", line) if word in known]
    return named[-1] if named and (len(known) < 2 or set(named) < set(known)) else None


def parse_choice(reply: str, candidates: int) -> int | None:
    """The place, from 0, of the candidate that a ballot names; None where it names none that is there."""
    named = _CHOSEN.findall(reply)
    return int(named[-1]) - 1 if named and 1 <= int(named[-1]) <= candidates else None
