"""`optimise`: search for better prompts and demonstrations of a strategy or chain, within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reasoning import registry
from reasoning.benchmarks.chains.suite import ChainSuite
from reasoning.benchmarks.results.settings import short_model_name
from reasoning.benchmarks.tasks import Task
from reasoning.benchmarks.tasks import get as get_task
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.engine.budget import Budget, check_budget
from reasoning.engine.connect import connected
from reasoning.engine.llm import LLM
from reasoning.errors import BudgetExhausted, ReasoningError, UsageError
from reasoning.messages import Usage
from reasoning.problem import Example
from reasoning.prompt_overrides import prompts
from reasoning.strategy import Strategy
from reasoning.tuning.prompts.final_test import (
    ORIGINAL_ARM,
    TUNED_ARM,
    Arm,
    FinalTest,
    run_final_test,
)
from reasoning.tuning.prompts.optimizer import METHODS
from reasoning.tuning.prompts.optimizer import method as find_method
from reasoning.tuning.prompts.outcome import Outcome
from reasoning.tuning.prompts.outcome_folder import write_outcome
from reasoning.tuning.prompts.parts import ORIGINAL, Tunable, check_wanted
from reasoning.tuning.prompts.plain_alternative import plain_alternative
from reasoning.tuning.prompts.pools import Pools, PoolSizes, pools_of_suite, pools_of_task
from reasoning.tuning.prompts.search import CHUNK, Listener, Search, ignore, race_order
from reasoning.tuning.prompts.search_folder import OpenSearch, SearchConfig, open_search, record_look


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
    wanted = (parts,) if isinstance(parts, str) else tuple(parts)
    config = SearchConfig(method, seed, max_demonstrations, proposer, wanted, None if out is None else Path(out))
    if not isinstance(sizes, PoolSizes | None):
        raise UsageError(f"sizes must be PoolSizes, such as PoolSizes(train=30), got {sizes!r:.60}")
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
    with open_search(strategy, pools, llm, budget, config) as run:
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


def _test(
    search: Search, pools: Pools, run: OpenSearch, config: SearchConfig
) -> tuple[FinalTest, ReasoningError | None]:
    looks = record_look(config.folder, search.best)
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
    run: OpenSearch,
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
        Usage.total([search.used, *(arm.usage for arm in (test.arms if test is not None else ()))]),
        run.total.left,
        tuple(search.log.events),
        config.folder,
    )
