"""Auto-CoT*: batches of questions answered one after another, each with demonstrations from those before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from reasoning import event_loop
from reasoning.answer import Answer
from reasoning.engine.connect import connected
from reasoning.engine.single_flight import CallContext
from reasoning.errors import UsageError
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.short_repr import shorten
from reasoning.strategies.demonstrations.chain_examples import chain_example, chain_fault, question_fault
from reasoning.strategies.demonstrations.clustering import cluster_problems
from reasoning.strategies.demonstrations.near_duplicates import words_of
from reasoning.strategies.demonstrations.worked_example import WorkedExample
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.trace import Trace

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.strategies.demonstrations.generated.auto_cot import AutoCoT


class AutoCoTStream:
    """A service that answers batches of questions and takes its demonstrations from its own earlier answers.

    The first batch is answered by zero-shot chain of thought. Before each later one, all questions
    answered so far are clustered, and the demonstrations are chosen among their chains as in
    `AutoCoT.fit`, without any call. So it needs no pool, and one call per question from the second
    batch on.

    Args:
        strategy: gives the parameters. With demonstrations of its own it uses them for the first
            batch, and those of the stream as soon as there are any.
        llm: the model, or its name for `reasoning.connect`.

    Attributes:
        strategy: the strategy for the next batch.

    Source:
        Zhang et al. (2022), arXiv 2210.03493, §5.4: Auto-CoT in streaming settings.

    Examples:
        >>> from reasoning import Problem, kinds, strategies
        >>> from reasoning.testing import ScriptedLLM
        >>> llm = ScriptedLLM(["2 * 3 = 6. The answer is 6.", "3 * 4 = 12. The answer is 12."])
        >>> stream = strategies.get("auto_cot").stream(llm)
        >>> pens, cups = Problem("2 boxes of 3 pens?", kinds.Number()), Problem("3 trays of 4 cups?", kinds.Number())
        >>> stream.answer([pens])[0].value, stream.strategy.demonstrations[0].rationale, stream.answer([cups])[0].value
        (6, '2 * 3 = 6.', 12)
    """

    def __init__(self, strategy: AutoCoT, llm: LLM | str) -> None:
        self.strategy = strategy
        self._llm = connected(llm)
        self._seen: dict[tuple[str, ...], tuple[Problem, WorkedExample | None]] = {}

    def answer(self, batch: Iterable[Problem | str]) -> list[Answer]:
        """Answer a batch, from synchronous code, and learn from it. The answers are in the order of the problems.

        Raises:
            Exception: as in `Strategy.map`. The batch is then not learned from.
        """
        return event_loop.run_sync(self._answer(_problems(batch)))

    async def aanswer(self, batch: Iterable[Problem | str]) -> list[Answer]:
        """Answer a batch, from asynchronous code on any event loop; see `answer`."""
        return await event_loop.run_async(self._answer(_problems(batch)))

    async def _answer(self, batch: Sequence[Problem]) -> list[Answer]:
        strategy = self.strategy
        zero_shot = ChainOfThought(trigger=strategy.trigger, two_stages=strategy.zero_shot)
        answers = await (zero_shot if strategy.needs_fit else strategy).amap(batch, self._llm)
        for problem, answer in zip(batch, answers, strict=True):
            self._seen[tuple(words_of(problem.values()["problem"]))] = problem, self._example(problem, answer)
        self.strategy = await self._learned()
        return answers

    def _example(self, problem: Problem, answer: Answer) -> WorkedExample | None:
        """Return the worked example of an answer, or None if its chain is not shown."""
        first = next(answer.trace.calls(), None) if answer.trace else None
        if first is None or question_fault(problem, self.strategy.max_question_words):
            return None
        reply = first.completions[0]
        if chain_fault(problem, reply, answer, self.strategy.max_steps):
            return None
        return chain_example(problem, reply.text, answer.value)

    async def _learned(self) -> AutoCoT:
        """Return the strategy with the first example that may be shown of each cluster of all questions so far."""
        strategy, seen = self.strategy, list(self._seen.values())
        trace = Trace("auto_cot stream")
        session = Session(self._llm, trace, context=CallContext(self._llm.budget, self._llm.journal, trace.name))
        problems = [problem for problem, _ in seen]
        clusters = await cluster_problems(problems, strategy.k, strategy.seed, strategy.embeddings, session)
        shown = [next((seen[index][1] for index in members if seen[index][1]), None) for members in clusters]
        examples = tuple(example for example in shown if example is not None)
        return strategy.replace(demonstrations=examples) if examples else strategy


def _problems(batch: Iterable[Problem | str]) -> list[Problem]:
    if isinstance(batch, str | Problem):
        raise UsageError(f"answer takes a list of problems, got one problem; write answer([{shorten(batch)}])")
    return [Problem.of(problem) for problem in batch]
