"""The synthesis of worked examples: topics, backward and forward calls in batches, and clusters of what was made."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from reasoning.answer import Answered
from reasoning.branches import gather
from reasoning.errors import BudgetExhausted, CallFailed, UsageError
from reasoning.kinds import Choice, Kind, Number
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompts import Demonstration
from reasoning.session import Session
from reasoning.strategies.demonstrations import WorkedExample
from reasoning.strategies.demonstrations.chain_examples import chain_example, chain_lines
from reasoning.strategies.demonstrations.clustering import check_installed, cluster_problems
from reasoning.strategies.demonstrations.generated.made_questions import (
    numbered_chain,
    parse_question,
    parse_topics,
    question_fault,
    steps_of,
    topic_of,
)
from reasoning.strategies.demonstrations.generated.program_examples import program_example
from reasoning.strategies.demonstrations.pools import seed_examples
from reasoning.tables import pluralize

if TYPE_CHECKING:
    from reasoning.strategies.demonstrations.generated.synthetic import SyntheticPrompting

T = TypeVar("T")
_OPTIONS = " Below the question are its options, one on each line: A) …"
_WORDS_PER_CALL = 10
"""Topic words per call: asking ends after a tenth as many calls as words are wanted, as in the paper."""
_MOST_NOUNS = 10


class Made(NamedTuple):
    """A made-up worked example with its topic and the number of its steps."""

    topic: str
    example: WorkedExample
    steps: int


class Synthesis:
    """One synthesis, as `SyntheticPrompting.fit` runs it.

    Everything that is drawn at random depends on the seed and the number of the iteration, and not
    on the order in which replies arrive.

    Args:
        strategy: the parameters and prompts.
        kind: the kind of answer that new problems ask for.
        session: the session to ask with.

    Attributes:
        made: the examples made so far.
        stopped: the error that ended the synthesis early, or None.

    Raises:
        MissingExtra: scikit-learn is not installed.
        UsageError: there are fewer than two seed examples.
    """

    def __init__(self, strategy: SyntheticPrompting, kind: Kind, session: Session) -> None:
        check_installed()
        self._strategy, self._kind, self._session = strategy, kind, session
        self._programs = strategy.chains == "program"
        self._seeds = [
            self._as_made(topic_of(example), example)
            for example in seed_examples(strategy.seed_examples, kind, strategy.seed_shots, self._programs)
        ]
        self._solver = strategy.solver([seed.example for seed in self._seeds])
        self._faults = Counter[str]()
        self._questions = [seed.example.question for seed in self._seeds]
        self.stopped: BudgetExhausted | None = None
        self.made: list[Made] = []

    async def ask_topics(self) -> list[str]:
        """Return the topic words in the order in which they are used; those of the seeds if the model gives none."""
        strategy, chance = self._strategy, random.Random(self._strategy.seed)
        known = list(dict.fromkeys(seed.topic for seed in self._seeds))
        words: list[str] = []
        for _ in range(ceil(strategy.topics / _WORDS_PER_CALL)):
            nouns = chance.sample(known + words, min(_MOST_NOUNS, len(known + words)))
            turns = strategy.topic_words.fill(nouns=", ".join(nouns))
            reply = await self._session.ask(turns, temperature=strategy.temperature)
            words += [word for word in parse_topics(reply.text) if word not in words and word not in known]
            if len(words) >= strategy.topics:
                break
        if not words:
            self._session.note("the model gives no topic words; those of the seed examples are used")
        chance.shuffle(words := words[: strategy.topics] or known)
        return words

    def plan(self, number: int, topics: Sequence[str]) -> tuple[str, Conversation]:
        """Return the topic of an iteration and its backward prompt, with seeds and made-up examples."""
        strategy, chance = self._strategy, random.Random(f"{self._strategy.seed} {number}")
        topic = topics[number % len(topics)]
        extra = strategy.extra_steps if strategy.extra_steps is not None else 4 if isinstance(self._kind, Number) else 2
        lengths = [seed.steps for seed in self._seeds]
        steps = chance.randint(min(lengths), max(lengths) + extra)
        shown = chance.sample([*self._seeds, *self.made], len(self._seeds))
        prompt = strategy.backward.replace(examples=tuple(map(self._backwards, shown)))
        has_options = isinstance(self._kind, Choice) and bool(self._kind.options)
        return topic, prompt.fill(topic=topic, steps=steps, options=_OPTIONS if has_options else "")

    async def backward(self, plans: Sequence[tuple[str, Conversation]]) -> list[tuple[str, Problem]]:
        """Return the new problems of a batch with their topics, without those that a filter drops."""
        branches = self._session.fork("question", [turns for _, turns in plans])
        replies = await self._gather(
            [
                branch.ask(turns, temperature=self._strategy.temperature)
                for branch, (_, turns) in zip(branches, plans, strict=True)
            ]
        )
        problems: list[tuple[str, Problem]] = []
        for (topic, _), reply in zip(plans, replies, strict=True):
            problem = None if reply is None or reply.truncated else parse_question(reply.text, self._kind)
            if problem is None:
                self._faults["no question was written"] += reply is not None
            elif fault := question_fault(problem, topic, self._questions):
                self._faults[fault] += 1
            else:
                self._questions.append(problem.question)
                problems.append((topic, problem))
        return problems

    async def forward(self, problems: Sequence[tuple[str, Problem]]) -> None:
        """Answer new problems, and add those on whose answer more than half of the chains agree to `made`.

        Raises:
            BudgetExhausted: the budget does not cover all calls of this batch. What it covers is added.
        """
        branches = self._session.fork("problem", [problem.question for _, problem in problems])
        examples = await self._gather(
            [self._agreed(problem, branch) for branch, (_, problem) in zip(branches, problems, strict=True)]
        )
        self.made += [
            self._as_made(topic, example)
            for (topic, _), example in zip(problems, examples, strict=True)
            if example is not None
        ]
        if self.stopped:
            raise self.stopped

    async def has_enough(self) -> bool:
        """Return whether every cluster of the examples so far has as many as are wanted."""
        k, enough = self._strategy.k, self._strategy.enough
        if not enough or len(self.made) < k * enough:
            return False
        clusters = await self.clusters()
        return len(clusters) == k and all(len(members) >= enough for members in clusters)

    async def clusters(self) -> list[list[Made]]:
        """Return the examples so far in clusters by their questions; in each, the one closest to the centre first.

        Raises:
            BudgetExhausted, UsageError: no example has been made.
        """
        strategy = self._strategy
        if not self.made:
            raise self.stopped or UsageError(
                f"synthetic: no example could be made in {pluralize(strategy.iterations, 'iteration')} "
                f"({self.summary()}); take a stronger model, or other seed_examples"
            )
        problems = [Problem(made.example.question) for made in self.made]
        # After the end of the budget nothing more can be embedded.
        embeddings = None if self.stopped else strategy.embeddings
        members = await cluster_problems(problems, strategy.k, strategy.seed, embeddings, self._session)
        return [[self.made[index] for index in indices] for indices in members]

    def summary(self) -> str:
        """Return the number of examples that were made, and of questions that were dropped by reason."""
        dropped = "; ".join(f"{fault}: {times}" for fault, times in sorted(self._faults.items()) if times)
        return pluralize(len(self.made), "made-up example") + (f"; dropped: {dropped}" if dropped else "")

    async def _agreed(self, problem: Problem, session: Session) -> WorkedExample | None:
        """Return the example with the shortest of the chains that agree, if they are more than half of all."""
        strategy, kind = self._strategy, problem.kind
        branches = session.branches(strategy.samples, "chain", temperature=strategy.temperature)
        answers = await gather([branch.solve(self._solver, problem) for branch in branches])
        answered = [answer for answer in answers if isinstance(answer, Answered)]
        groups = [[other for other in answered if kind.same(other.value, answer.value)] for answer in answered]
        agreeing = max(groups, key=len, default=[])
        examples = [self._example(problem, answer) for answer in agreeing]
        if 2 * len(agreeing) <= strategy.samples or not any(examples):
            self._faults["no majority of the chains agrees"] += 1
            return None
        return min(filter(None, examples), key=self._length)

    def _example(self, problem: Problem, answer: Answered) -> WorkedExample | None:
        if self._programs:
            return program_example(problem, answer.text, answer.value)
        example = replace(chain_example(problem, "", answer.value), rationale="\n".join(chain_lines(answer.text)))
        return example if example.rationale else None

    def _length(self, example: WorkedExample) -> int:
        return len(steps_of(example, self._programs))

    def _as_made(self, topic: str, example: WorkedExample) -> Made:
        return Made(topic, example, self._length(example))

    def _backwards(self, made: Made) -> Demonstration:
        """Show an example in the order topic, length, chain, question."""
        options = "".join(f"\n{label}) {text}" for label, text in zip("ABCDEFGHIJ", made.example.options, strict=False))
        # Without a fence: small models end their reply after a closed one.
        chain = f"Reasoning:\n{numbered_chain(made.example, self._programs)}"
        return Demonstration(
            f"Topic: {made.topic}\nSteps: {made.steps}", f"{chain}\n\nQuestion: {made.example.question}{options}"
        )

    async def _gather(self, works: Sequence[Coroutine[Any, Any, T]]) -> list[T | None]:
        """Run works concurrently; return None for those whose call failed or was not covered by the budget."""

        async def attempt(work: Coroutine[Any, Any, T]) -> T | None:
            try:
                return await work
            except BudgetExhausted as error:
                self.stopped = self.stopped or error
            except CallFailed as error:
                if error.ends_run:
                    raise
                self._faults["a call failed"] += 1
            return None

        return await gather([attempt(work) for work in works])


def most_complex(members: Sequence[Made]) -> WorkedExample:
    """Return the example with the most steps; the first of several."""
    return max(members, key=lambda made: made.steps).example
