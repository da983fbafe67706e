"""A chain over many inputs: side by side, each result given when its turn has come, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reasoning import event_loop
from reasoning.answer import Answer, Answered, Failed
from reasoning.chain.events import Lost, Mended, Refused, noted
from reasoning.chain.inputs import Given
from reasoning.errors import BudgetExhausted, CallFailed, ReasoningError, UsageError
from reasoning.messages import Usage

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain
    from reasoning.engine.llm import LLM
    from reasoning.problem import Problem
    from reasoning.trace import Note

GIVE_UP = 8
"""Inputs that a call failed for, and none that came through, after which a run is not worth going on. What is wrong
with an input, or with a function of the chain's own, does not count: the next input may do."""


@dataclass(frozen=True)
class Row:
    """What became of one input.

    Attributes:
        given: the input.
        answer: the chain's answer; None for an input that could not be used.
    """

    given: Given
    answer: Answer | None = None

    @property
    def state(self) -> str:
        """ "answered", "unparsed", "failed", or "unusable" for an input that no step has seen."""
        return "unusable" if self.answer is None else self.answer.state

    @property
    def spent(self) -> Usage:
        """What was paid for now, on every model."""
        return Usage() if self.answer is None or self.answer.trace is None else self.answer.trace.spent

    @property
    def repairs(self) -> int:
        """Replies that were refused."""
        return len(self._noted(Refused))

    @property
    def mended(self) -> list[str]:
        """The steps of which a value was mended, so that it is no answer of the model's."""
        return list(dict.fromkeys(self._noted(Mended)))

    @property
    def lost(self) -> bool:
        """Whether a call to the model did not come through."""
        return self.state == "failed" and bool(self._noted(Lost))

    def _noted(self, what: type[Note]) -> list[str]:
        trace = None if self.answer is None else self.answer.trace
        return [] if trace is None else list(noted(trace, what))

    def to_json(self) -> dict[str, Any]:
        """Plain data for one line of a file."""
        about: dict[str, Any] = {"id": self.given.id, "state": self.state}
        if self.answer is None:
            return {**about, "why": self.given.wrong}
        usage = self.answer.usage
        about |= {"value": self.answer.value} if isinstance(self.answer, Answered) else {"why": self.answer.reason}
        counts: dict[str, Any] = {"calls": usage.calls, "prompt_tokens": usage.prompt_tokens}
        counts |= {"completion_tokens": usage.completion_tokens, "usd": usage.usd, "repairs": self.repairs}
        return {**about, "steps": dict(self.answer.steps), "mended": self.mended, **counts}


@dataclass
class Run:
    """What a run comes to.

    Attributes:
        rows: how many there are by state.
        usage: what all answers used, paid for now or taken from the journal.
        spent: of that, what was paid for now.
        repairs: replies that were refused.
        mended: rows with a value that was mended.
        lost: rows that failed because a call to the model did.
        stopped: what ended it before its end.
    """

    rows: dict[str, int] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    spent: Usage = field(default_factory=Usage)
    repairs: int = 0
    mended: int = 0
    lost: int = 0
    stopped: ReasoningError | None = None
    last_failure: str = ""

    @property
    def done(self) -> int:
        return sum(self.rows.values())

    def add(self, row: Row) -> None:
        """Count a row."""
        self.rows[row.state] = self.rows.get(row.state, 0) + 1
        self.repairs += row.repairs
        self.mended += bool(row.mended)
        self.lost += row.lost
        self.spent = self.spent + row.spent
        if row.answer is not None:
            self.usage = self.usage + row.answer.usage
            self.last_failure = row.answer.reason if isinstance(row.answer, Failed) else self.last_failure


def run(
    chain: Chain,
    inputs: Iterable[Given],
    llm: LLM,
    tell: Callable[[Row], None],
    *,
    epoch: int = 0,
    concurrency: int | None = None,
) -> Run:
    """Run a chain on many inputs.

    Args:
        chain: the chain.
        inputs: read as they are needed.
        llm: the model; its journal makes a run that was stopped go on where it was.
        tell: given each row, in the order of the inputs.
        epoch: the number of an independent repetition.
        concurrency: inputs under way at once; by default as many as the model takes requests.
    """
    return event_loop.run_sync(_Many(chain, llm, tell, epoch).through(inputs, concurrency or llm.limits.concurrency))


class _Many:
    def __init__(self, chain: Chain, llm: LLM, tell: Callable[[Row], None], epoch: int) -> None:
        self.chain, self.llm, self.tell, self.epoch = chain, llm, tell, epoch
        self.found = Run()
        self.waiting: dict[int, Row] = {}
        self.told = 0

    async def through(self, inputs: Iterable[Given], workers: int) -> Run:
        """Work until all inputs are through, or something ends the run; what is done then is told."""
        left = iter(enumerate(inputs))
        tasks = [asyncio.ensure_future(self._worker(left)) for _ in range(workers)]
        try:
            await asyncio.gather(*tasks)
        except (BudgetExhausted, CallFailed) as error:
            self.found.stopped = error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for place in sorted(self.waiting):  # behind one that was not finished
            self.tell(self.waiting[place])
        return self.found

    async def _worker(self, left: Iterable[tuple[int, Given]]) -> None:
        for place, one in left:
            self._done(place, Row(one, None if one.problem is None else await self._answer(one.problem)))

    async def _answer(self, problem: Problem) -> Answer:
        """The chain's answer; what goes wrong with this input alone is one that failed."""
        try:
            return await self.chain.arun(problem, self.llm, epoch=self.epoch)
        except ReasoningError as error:
            if not isinstance(error, UsageError):
                raise
            return Failed(str(error))
        except Exception as error:
            return Failed(f"{type(error).__name__}: {error}")

    def _done(self, place: int, row: Row) -> None:
        self.found.add(row)
        self.waiting[place] = row
        while self.told in self.waiting:
            self.tell(self.waiting.pop(self.told))
            self.told += 1
        if self.found.lost >= GIVE_UP and not self.found.rows.keys() & {"answered", "unparsed"}:
            raise CallFailed(f"{GIVE_UP} inputs failed and none came through; the last: {self.found.last_failure}")
