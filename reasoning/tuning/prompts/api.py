"""`optimise`: search for better prompts and demonstrations of a strategy or chain, within a budget."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasoning import event_loop, registry
from reasoning.benchmarks.chains.suite import ChainSuite
from reasoning.benchmarks.results.folder import SPENDING
from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.benchmarks.results.settings import check_settings, default_folder, safe_name, short_model_name
from reasoning.benchmarks.tasks import Task
from reasoning.benchmarks.tasks import get as get_task
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.chain.chain import Chain
from reasoning.engine.budget import Budget, check_budget
from reasoning.engine.connect import connected
from reasoning.engine.failure_guard import FailureGuard
from reasoning.engine.ledger import Ledger, Spending
from reasoning.engine.llm import LLM
from reasoning.errors import BudgetExhausted, InputError, ReasoningError, UsageError
from reasoning.files import atomic_write
from reasoning.journal import Journal
from reasoning.kinds import PARSER_VERSION
from reasoning.messages import Usage
from reasoning.problem import Example
from reasoning.prompt_overrides import prompts
from reasoning.secret_scan import mask_secrets
from reasoning.strategy import Strategy
from reasoning.text_safety import dump_json
from reasoning.tuning.prompts.evaluation import Evaluation, evaluate_all
from reasoning.tuning.prompts.final_test import (
    ORIGINAL_ARM,
    TUNED_ARM,
    Arm,
    FinalTest,
    plain_alternative,
    run_final_test,
)
from reasoning.tuning.prompts.optimizer import METHODS
from reasoning.tuning.prompts.optimizer import method as find_method
from reasoning.tuning.prompts.outcome import Outcome
from reasoning.tuning.prompts.outcome_folder import write_outcome
from reasoning.tuning.prompts.parts import ORIGINAL, Candidate, Tunable, check_wanted, prompt_names
from reasoning.tuning.prompts.pools import Item, Pools, PoolSizes, pools_of_suite, pools_of_task
from reasoning.tuning.prompts.search import CHUNK, Listener, Search, ignore, race_order
from reasoning.tuning.prompts.search_log import SearchLog

SETTINGS, TESTED = "search.json", "tested.jsonl"
_FORMAT = 1


@dataclass(frozen=True)
class SearchConfig:
    """The configuration of a search.

    Attributes:
        method: the name of the method; see `METHODS`.
        seed: the seed of problems, pools and random choices.
        max_demonstrations: the largest number of demonstrations of a prompt.
        proposer: the name of the model that proposes texts; None for the tuned model.
        parts: the names of the parts or prompts to change; all if empty.
        folder: the outcome folder; None keeps the outcome in memory only.

    Raises:
        UnknownName: there is no such method.
        UsageError: a number is out of range.
    """

    method: str = next(iter(METHODS))
    seed: int = 0
    max_demonstrations: int = 4
    proposer: str | None = None
    parts: tuple[str, ...] = ()
    folder: Path | None = None

    def __post_init__(self) -> None:
        find_method(self.method)
        if self.max_demonstrations < 1:
            raise UsageError(f"max_demonstrations must be at least 1, got {self.max_demonstrations}")


def optimise(
    strategy: str | Strategy,
    pool: str | Task | Sequence[Example] | ChainSuite | Pools,
    llm: LLM | str = "local",
    *,
    budget: Budget,
    method: str = next(iter(METHODS)),
    sizes: PoolSizes | None = None,
    seed: int = 0,
    max_demonstrations: int = 4,
    proposer: str | None = None,
    parts: Sequence[str] = (),
    out: str | Path | None = None,
) -> Outcome:
    """Search for better prompts and demonstrations, and test the best ones once on examples that nothing has seen.

    Every evaluation is a draw in the journal: the same call continues an interrupted search without repeating one,
    and a larger budget extends it.

    Args:
        strategy: a strategy, its spec, or a chain.
        pool: a task, its name, or examples; the cases of a chain; or three pools.
        llm: what `reasoning.connect` returns, or the name of a model.
        budget: the limit on the search and the final test together, in tokens, dollars or calls. With `out`, what
            earlier calls spent counts, too.
        method: "bootstrap", "reflection" or "bayesian"; see `reasoning.tuning.prompts.optimizer.METHODS`.
        sizes: the largest sizes of the pools: by default 30 train, 40 selection and 80 test examples.
        seed: the seed of generated problems, pools and random choices.
        max_demonstrations: the largest number of demonstrations of a prompt.
        proposer: the name of the model that proposes texts; by default the tuned model.
        parts: the parts to change, such as "cot.trigger" or "cot.two_stages.instructions"; by default all.
        out: the outcome folder.

    Returns:
        The outcome with the tuned strategy, the final test, and the decision whether to use it. If the budget ended
        the final test early, or calls failed for good, `stopped` is set, and the decision is "undecided".

    Raises:
        UsageError: an argument is wrong, the pools are too small, or the budget does not cover the final test.
        SettingsChanged: `out` holds another search.

    Source:
        Khattab et al. (2023), arXiv 2310.03714; Opsahl-Ong et al. (2024), arXiv 2406.11695; Agrawal et al. (2025),
        arXiv 2507.19457.
    """
    config = SearchConfig(method, seed, max_demonstrations, proposer, tuple(parts), None if out is None else Path(out))
    pools = make_pools(pool, sizes or PoolSizes(), seed)
    return run_search(registry.get(strategy), pools, connected(llm), budget, config)


def make_pools(
    pool: str | Task | Sequence[Example] | ChainSuite | Pools, sizes: PoolSizes, seed: int, given: Task | None = None
) -> Pools:
    """Return the three pools of a task, of examples, or of a chain's cases."""
    if isinstance(pool, Pools):
        return pool
    if isinstance(pool, ChainSuite):
        return pools_of_suite(pool, sizes, seed)
    task: Any = ExampleList(tuple(pool)) if isinstance(pool, list | tuple) else pool
    if not isinstance(task, str) and not hasattr(task, "load"):
        raise UsageError(f"pool must be a task, examples, a chain's cases or Pools, got {pool!r:.60}")
    return pools_of_task(get_task(task), sizes, seed, given)


def run_search(
    strategy: Strategy, pools: Pools, llm: LLM, budget: Budget, config: SearchConfig, listener: Listener = ignore
) -> Outcome:
    """Search as `optimise` does, and report to the listener."""
    if not check_budget(budget).is_limited or all(getattr(budget, name) is None for name in ("tokens", "usd", "calls")):
        raise UsageError("a search needs a limit: budget=Budget(tokens=200_000), or usd=…")
    llm.check_price(budget)
    check_wanted(strategy, config.parts)
    optimizer = find_method(config.method).load()
    with _open(strategy, pools, llm, budget, config) as run:
        used = run.used_prompts(strategy, race_order(pools, config.seed)[:CHUNK])
        tunable = Tunable.of(strategy, used, config.parts)
        search = Search(
            *(tunable, pools, run.llm, run.total, run.search_budget, run.log),
            seed=config.seed,
            max_demonstrations=config.max_demonstrations,
            proposer=config.proposer,
            listener=listener,
        )
        stopped: ReasoningError | None = None
        is_exhausted = False
        try:
            search.start()
            optimizer.run(search)
        except BudgetExhausted as error:
            is_exhausted = True
            # The part of the search is used up as planned. Any other budget ends the run.
            stopped = None if error.budget is run.search_budget else error
        except ReasoningError as error:
            if isinstance(error, UsageError):
                raise
            stopped = error
        test = None
        if stopped is None and search.best.key != ORIGINAL.key:
            test, stopped = _test(search, pools, run, config)
        outcome = _outcome(search, pools, run, config, test, stopped, is_exhausted)
        if config.folder is not None:
            write_outcome(outcome, config.folder, search.score(ORIGINAL)[0])
        return outcome


@dataclass
class _Run:
    """The open resources of a search."""

    llm: LLM
    total: Budget
    search_budget: Budget
    test_budget: Budget
    log: SearchLog
    spent_before: Usage

    def used_prompts(self, strategy: Strategy, items: Sequence[Item]) -> set[str]:
        """Return the names of the prompts that the strategy fills for the first examples; all prompts of a chain.

        The draws are those of the first evaluations, so that they are paid once.
        """
        if isinstance(strategy, Chain):
            return prompt_names(strategy)
        found: list[Evaluation] = []
        jobs = [(strategy, item, found.append) for item in items]
        event_loop.run_sync(evaluate_all(jobs, self.llm, FailureGuard("evaluations"), record=True))
        return {fill.name for one in found for fill in one.fills} or prompt_names(strategy)


@contextmanager
def _open(strategy: Strategy, pools: Pools, llm: LLM, budget: Budget, config: SearchConfig) -> Iterator[_Run]:
    settings = search_settings(strategy, pools, llm, config)
    folder = config.folder
    journal, ledger, spending = llm.journal, None, Spending()
    own_journal: Journal | None = None
    try:
        if folder is not None:
            _check_folder(folder, settings)
            own_journal = journal = Journal(folder / "journal.sqlite", parent=llm.journal)
            ledger = Ledger(folder / SPENDING, llm.price)
            spending = ledger.before
        total = budget.nested_in(llm.budget)
        total.spent = spending.total()
        total.learned_bounds.update(spending.bounds)
        parts = {name: Budget().nested_in(total) for name in ("search", "test")}
        for name, part in parts.items():
            part.spent = spending.total(name)
            if ledger is not None:
                part.account = ledger.account(name)
        log = SearchLog(None if folder is None else folder / "search.jsonl")
        try:
            yield _Run(
                llm.within(parts["search"], journal),
                *(total, parts["search"], parts["test"], log, total.spent),
            )
        finally:
            log.close()
    finally:
        if ledger is not None:
            ledger.close()
        if own_journal is not None:
            own_journal.close()


def search_settings(strategy: Strategy, pools: Pools, llm: LLM, config: SearchConfig) -> dict[str, Any]:
    """Return what identifies a search: everything that it depends on, except the budget."""
    named = {name: repr(prompt) for name, prompt in prompts(strategy).items()}
    settings = {
        "strategy": repr(strategy),
        "prompts": hashlib.sha256(json.dumps(named, sort_keys=True).encode("utf-8", "replace")).hexdigest()[:16],
        "source": pools.source,
        **{f"{name} pool": digest for name, digest in pools.digests().items()},
        "model": llm.name,
        "base_url": llm.client.endpoint,
        "method": config.method,
        "seed": config.seed,
        "max_demonstrations": config.max_demonstrations,
        "proposer": config.proposer,
        "parts": list(config.parts),
        "parser_version": PARSER_VERSION,
        **{name: llm.sampling[name] for name in sorted(llm.sampling)},
    }
    return {name: mask_secrets(value) if isinstance(value, str) else value for name, value in settings.items()}


def search_folder(settings: dict[str, Any]) -> Path:
    """Return the folder of a search without `--out`: equal settings have one folder."""
    named = {**settings, "task": settings["strategy"]}
    return default_folder({**named, "model": short_model_name(settings["model"])}, safe_name(settings["method"]))


def _check_folder(folder: Path, settings: dict[str, Any]) -> None:
    """Create a folder, or check that it holds this search.

    Raises:
        SettingsChanged: it holds another search.
        InputError: it holds something else, or cannot be written.
    """
    path = folder / SETTINGS
    if path.is_file():
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            check_settings(folder, stored["settings"], settings)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: must be the settings of a search: {error!r}; give another --out") from None
        return
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise InputError(f"{folder}: holds something else than a search; give another --out")
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(path, dump_json({"format": _FORMAT, "settings": settings}, indent=1, default=str) + "\n")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from None


def _record_look(folder: Path | None, candidate: Candidate) -> int:
    """Record that a candidate is tested, and return the number of candidates that were tested on this pool.

    A larger budget may find another candidate after the test pool has been seen. It counts before its test begins, so
    that a kill hides no look.
    """
    if folder is None:
        return 1
    file = JsonlFile(folder / TESTED)
    try:
        tested = {str(one.get("key")) for one in file.read()}
        if candidate.key not in tested:
            file.append({"key": candidate.key, "origin": candidate.origin})
        return len({*tested, candidate.key})
    finally:
        file.close()


def _test(search: Search, pools: Pools, run: _Run, config: SearchConfig) -> tuple[FinalTest, ReasoningError | None]:
    looks = _record_look(config.folder, search.best)
    arms = [
        Arm(ORIGINAL_ARM, "your prompts", search.tunable.strategy),
        Arm(TUNED_ARM, search.best.origin, search.tunable.apply(search.best)),
    ]
    if (plain := plain_alternative(search, search.best)) is not None:
        arms.append(plain)
    llm = run.llm.within(run.test_budget, run.llm.journal)
    test = run_final_test(arms, pools.test, llm, search, looks)
    return test, test.stopped


def _outcome(
    search: Search,
    pools: Pools,
    run: _Run,
    config: SearchConfig,
    test: FinalTest | None,
    stopped: ReasoningError | None,
    is_exhausted: bool,
) -> Outcome:
    tunable, named = search.tunable, prompts(search.tunable.strategy)
    changes = tunable.changes(search.best)
    score, examples = search.score(search.best)
    return Outcome(
        tunable.strategy,
        tunable.apply(search.best),
        search.best,
        changes,
        {name: named[name] for name in changes},
        config.method,
        short_model_name(run.llm.name),
        str(pools),
        score,
        examples,
        search.progress.candidates,
        test,
        stopped,
        is_exhausted,
        run.total.spent - run.spent_before,
        run.total.spent,
        run.total.left,
        tuple(search.log.events),
        config.folder,
    )
