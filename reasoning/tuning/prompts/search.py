"""The search: evaluations within a budget, races on the selection pool, and a log; the same for all optimizers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reasoning import event_loop
from reasoning.benchmarks.runs.race import shuffled
from reasoning.benchmarks.statistics.racing import Race
from reasoning.draw_stream import DrawStream
from reasoning.engine.budget import Budget
from reasoning.engine.failure_guard import FailureGuard
from reasoning.engine.single_flight import CallContext
from reasoning.errors import UsageError
from reasoning.messages import Conversation, Message, Usage
from reasoning.problem import Example
from reasoning.session import Session
from reasoning.text_safety import escape_turn_marks
from reasoning.trace import Trace
from reasoning.tuning.prompts.evaluation import Evaluation, evaluate_all
from reasoning.tuning.prompts.parts import ORIGINAL, Candidate, Tunable
from reasoning.tuning.prompts.pools import Item, Pools
from reasoning.tuning.prompts.search_log import SearchLog

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM

CHUNK = 8
"""The number of examples between two looks of a race, which are evaluated at once."""
LEVEL = 0.05
"""The probability that a race stops a candidate that is at least as good on the whole selection pool."""
_RESERVE = 1.25
"""The factor by which the cost of the final test is overestimated: examples differ in length."""
_PROPOSAL_TOKENS = 1024
LIMITS = ("tokens", "calls", "usd")


@dataclass
class Progress:
    """The state of a search, for a listener.

    Attributes:
        stage: "search" or "final test".
        text: the current activity.
        best: the score of the best candidate on the selection pool.
        spent: the usage of the run so far, with that of earlier commands.
        candidates: the number of candidates so far.
    """

    stage: str = "search"
    text: str = ""
    best: float | None = None
    spent: Usage = field(default_factory=Usage)
    candidates: int = 0


Listener = Callable[[Progress], None]


def ignore(progress: Progress) -> None:
    """Show nothing."""


class Search:
    """A search for the best candidate on the selection pool. It is the workbench of its optimizer.

    Args:
        tunable: the strategy with its parts.
        pools: the pools.
        llm: the model, with the journal of the search.
        total: the budget of the whole run.
        budget: the part of it that the search may spend; its limits are set so that the final test is covered.
        log: the log.
        seed: the seed of random choices.
        max_demonstrations: the largest number of demonstrations of a prompt.
        proposer: the name of the model that proposes texts; by default the tuned one.
        listener: is called after each step.

    Attributes:
        best: the best candidate so far.
        guard: the rule that ends a run in which everything fails.
        used: what the steps so far cost without the journal. A search that continues has spent more already, and must
            decide as before.
    """

    def __init__(
        self,
        tunable: Tunable[Any],
        pools: Pools,
        llm: LLM,
        total: Budget,
        budget: Budget,
        log: SearchLog,
        *,
        seed: int = 0,
        max_demonstrations: int = 4,
        proposer: str | None = None,
        listener: Listener = ignore,
    ) -> None:
        self.tunable, self.train, self.seed = tunable, pools.train, seed
        self.max_demonstrations = max_demonstrations
        self.total, self.budget, self.log = total, budget, log
        self.best = ORIGINAL
        self.progress = Progress(spent=total.spent)
        self.selection = race_order(pools, seed)
        self._test_size, self._listener = len(pools.test), listener
        self._llm = llm.within(budget, llm.journal)
        asked = self._llm if proposer is None else self._llm.sibling(proposer)
        self._asking = Session(asked, Trace("proposals"), stream=DrawStream(), context=CallContext(budget, llm.journal))
        self._known: dict[tuple[str, str], Evaluation] = {}
        self._raced: set[str] = set()
        self.guard = FailureGuard("evaluations")
        self.used = Usage()

    def start(self) -> None:
        """Evaluate the original on a first part of the selection pool, and reserve the cost of the final test.

        Raises:
            BudgetExhausted: the budget does not cover it.
            UsageError: the budget does not cover the final test.
        """
        self._evaluate(ORIGINAL, self.selection[:CHUNK], "the original")
        self._reserve(ORIGINAL)
        self._raced.add(ORIGINAL.key)

    def evaluate(self, candidate: Candidate, items: Sequence[Item]) -> list[Evaluation]:
        """Return the evaluations of a candidate on examples of the train pool; see `Workbench`."""
        known = {item.id for item in self.train}
        if not all(item.id in known for item in items):
            raise UsageError("an optimizer sees examples of the train pool alone")
        return self._evaluate(candidate, items, f"{candidate.origin} on the train pool", record=True)

    def race(self, candidate: Candidate) -> list[Evaluation]:
        """Race a candidate against the best one so far; see `Workbench`."""
        if candidate.key == self.best.key:
            return self._evaluate(candidate, self.selection, candidate.origin)
        if candidate.key in self._raced:
            return self._seen(candidate)
        self.progress.candidates += 1
        race = Race(["best", "new"], total=len(self.selection), level=LEVEL)
        seen: list[Evaluation] = []
        old: list[Evaluation] = []
        for start in range(0, len(self.selection), CHUNK):
            chunk = self.selection[start : start + CHUNK]
            what = f"candidate {self.progress.candidates}: {candidate.origin}"
            new_part = self._evaluate(candidate, chunk, what)
            old_part = self._evaluate(self.best, chunk, what)
            seen, old = [*seen, *new_part], [*old, *old_part]
            for before, after in zip(old_part, new_part, strict=True):
                race.update(
                    {"best": before.least, "new": after.least}, {"best": before.could_be, "new": after.could_be}
                )
                if race.stopped:
                    break
            if race.stopped or self._is_futile(candidate, seen):
                break
        self._raced.add(candidate.key)
        self._decide(candidate, seen, old, race)
        return seen

    def estimate(self, candidate: Candidate) -> float:
        """Return the estimated score on the whole selection pool; see `Workbench`."""
        seen = {one.item.id: one.least for one in self._seen(candidate)}
        best = {one.item.id: one.least for one in self._seen(self.best)}
        common = seen.keys() & best.keys()
        mean = sum(best.values()) / max(1, len(best))
        return mean + sum(seen[name] - best[name] for name in common) / max(1, len(common))

    def ask(self, text: str) -> str:
        """Return a reply of the model that proposes texts; see `Workbench`."""
        self.show("asking for a better text")
        messages = (Message("user", escape_turn_marks(text)),)
        asked = self._asking.ask(Conversation(messages), temperature=1.0, max_tokens=_PROPOSAL_TOKENS)
        reply = event_loop.run_sync(asked)
        self.used += reply.usage
        return reply.text

    def note(self, text: str) -> None:
        """Record a fact about the search in its log."""
        self.log.add({"event": "note", "text": text}, self.used)

    def score(self, candidate: Candidate) -> tuple[float, int]:
        """Return the mean score of a candidate on the selection pool, and the number of examples behind it."""
        seen = self._seen(candidate)
        return sum(one.least for one in seen) / max(1, len(seen)), len(seen)

    def tokens_per_solve(self, candidate: Candidate) -> float:
        """Return the mean tokens of one solve."""
        seen = self._seen(candidate)
        return sum(one.usage.prompt_tokens + one.usage.completion_tokens for one in seen) / max(1, len(seen))

    def train_evaluations(self) -> list[Evaluation]:
        """Return the evaluations of the original on the train pool that were made."""
        return [known for item in self.train if (known := self._known.get((ORIGINAL.key, item.id))) is not None]

    def _seen(self, candidate: Candidate) -> list[Evaluation]:
        keys = ((candidate.key, item.id) for item in self.selection)
        return [self._known[key] for key in keys if key in self._known]

    def _is_futile(self, candidate: Candidate, seen: Sequence[Evaluation]) -> bool:
        """Return whether a candidate can no longer reach more points than the best one, whatever follows.

        If it can reach as many, it must take fewer tokens, too.
        """
        best = sum(one.least for one in self._seen(self.best))
        most = sum(one.could_be for one in seen) + len(self.selection) - len(seen)
        return most < best or (most == best and not self._is_shorter(candidate))

    def _is_shorter(self, candidate: Candidate) -> bool:
        return self.best.key != ORIGINAL.key and self.tokens_per_solve(candidate) < self.tokens_per_solve(self.best)

    def _decide(self, candidate: Candidate, seen: list[Evaluation], old: list[Evaluation], race: Race) -> None:
        new_mean, old_mean = (sum(one.least for one in part) / len(part) for part in (seen, old))
        if "new" in race.stopped:
            decision = f"stopped after {race.problems}"
        elif "best" not in race.stopped and len(seen) < len(self.selection):
            decision = f"cannot be better after {len(seen)}"
        elif "best" not in race.stopped and (
            new_mean < old_mean or (new_mean == old_mean and not self._is_shorter(candidate))
        ):
            decision = "not better"
        elif not self._can_test(candidate):
            decision = "its final test would exceed the budget"
        else:
            decision, self.best = "best so far", candidate
            self._reserve(candidate)
        event = {
            "event": "candidate",
            "number": self.progress.candidates,
            "key": candidate.key,
            "origin": candidate.origin,
            "score": round(new_mean, 4),
            "examples": len(seen),
            "best_on_same": round(old_mean, 4),
            "decision": decision,
            **candidate.to_json(),
        }
        self.log.add(event, self.used)
        self.show(decision)

    def _evaluate(
        self, candidate: Candidate, items: Sequence[Item], what: str, *, record: bool = False
    ) -> list[Evaluation]:
        """Return the evaluations in the order of the items; those that are missing are made concurrently."""
        missing = [item for item in items if self._is_missing(candidate, item, record)]
        if missing:
            self.show(what)
            strategy = self.tunable.apply(candidate)

            def keep(found: Evaluation) -> None:
                if (candidate.key, found.item.id) not in self._known:
                    self.used += found.usage
                self._known[candidate.key, found.item.id] = found
                self.show(what)

            jobs = [(strategy, item, keep) for item in missing]
            event_loop.run_sync(evaluate_all(jobs, self._llm, self.guard, record=record))
        return [self._known[candidate.key, item.id] for item in items]

    def _is_missing(self, candidate: Candidate, item: Item, record: bool) -> bool:
        known = self._known.get((candidate.key, item.id))
        return known is None or (record and not known.fills)

    def _cost_of_test(self, candidate: Candidate, limit: str) -> float:
        """Return an upper estimate of the final test: the original, the candidate, and the plain alternative."""
        costs = [mean_cost(self._seen(one), limit) for one in (ORIGINAL, candidate)]
        # The alternative uses at most as much as the candidate, or three samples of the original. A case has none.
        plain = max(costs[1], 3 * costs[0]) if isinstance(self.selection[0].content, Example) else 0.0
        headroom = self._largest_call(limit)
        return self._test_size * (costs[0] + costs[1] + plain) * _RESERVE + headroom

    def _largest_call(self, limit: str) -> float:
        if limit != "tokens":
            return 0
        return self._llm.default_max_tokens + 2 * max(
            (one.usage.prompt_tokens for one in self._known.values()), default=0
        )

    def _can_test(self, candidate: Candidate) -> bool:
        limits = [name for name in LIMITS if getattr(self.total, name) is not None]
        return all(self._needed(candidate, name) <= getattr(self.total, name) for name in limits)

    def _needed(self, candidate: Candidate, limit: str) -> float:
        spent = min(amount(self.used, limit), amount(self.budget.spent, limit))
        return self._cost_of_test(candidate, limit) + spent

    def _reserve(self, candidate: Candidate) -> None:
        """Set the limits of the search so that the final test is covered.

        Raises:
            UsageError: the budget is too small.
        """
        for name in LIMITS:
            limit = getattr(self.total, name)
            if limit is None:
                continue
            needed = self._needed(candidate, name)
            if candidate.key == ORIGINAL.key and needed > limit:
                raise UsageError(
                    f"the budget must cover the final test on {self._test_size} examples, about {needed:,.6g} {name} "
                    f"before any search, got {limit:,.6g}; give a larger budget, or a smaller --test"
                )
            # An earlier command may have tested another candidate.
            tested = amount(self.total.spent, name) - amount(self.budget.spent, name)
            left = max(0.0, limit - self._cost_of_test(candidate, name) - tested)
            setattr(self.budget, name, left if name == "usd" else int(left))

    def show(self, text: str) -> None:
        """Report the current activity to the listener."""
        self.progress.text, self.progress.spent = text, self.total.spent
        if seen := self._seen(self.best):
            self.progress.best = sum(one.least for one in seen) / len(seen)
        self._listener(self.progress)


def race_order(pools: Pools, seed: int) -> tuple[Item, ...]:
    """Return the selection pool in the random order of the races, on which their error rate depends."""
    by_id = {item.id: item for item in pools.selection}
    return tuple(by_id[name] for name in shuffled(by_id, seed))


def mean_cost(evaluations: Sequence[Evaluation], limit: str) -> float:
    """Return the mean cost of an evaluation, in the unit of a limit of a budget."""
    return sum(amount(one.usage, limit) for one in evaluations) / max(1, len(evaluations))


def amount(usage: Usage, limit: str) -> float:
    """Return a usage in the unit of a limit of a budget."""
    return float(usage.prompt_tokens + usage.completion_tokens if limit == "tokens" else getattr(usage, limit) or 0)
