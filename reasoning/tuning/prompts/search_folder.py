"""The resources of a search: its configuration, folder, journal, ledger and budgets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasoning import event_loop
from reasoning.benchmarks.results.folder import SPENDING
from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.benchmarks.results.settings import check_settings, default_folder, safe_name, short_model_name
from reasoning.engine.budget import Budget
from reasoning.engine.failure_guard import FailureGuard
from reasoning.engine.ledger import Ledger, Spending
from reasoning.engine.llm import LLM
from reasoning.errors import InputError, UsageError
from reasoning.files import atomic_write
from reasoning.journal import Journal
from reasoning.kinds import PARSER_VERSION
from reasoning.messages import Usage
from reasoning.prompt_overrides import prompts
from reasoning.secret_scan import mask_secrets
from reasoning.strategy import Strategy
from reasoning.text_safety import dump_json
from reasoning.tuning.prompts.evaluation import Evaluation, evaluate_all
from reasoning.tuning.prompts.fills import used_prompts
from reasoning.tuning.prompts.optimizer import METHODS
from reasoning.tuning.prompts.optimizer import method as find_method
from reasoning.tuning.prompts.parts import Candidate
from reasoning.tuning.prompts.pools import Item, Pools
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


@dataclass
class OpenSearch:
    """The open resources of a search.

    Attributes:
        llm: the model, with the budget of the search and its journal.
        total: the budget of the search and the final test, with the spending of earlier commands.
        search_budget, test_budget: its parts.
        log: the log.
        spent_before: the spending of earlier commands.
    """

    llm: LLM
    total: Budget
    search_budget: Budget
    test_budget: Budget
    log: SearchLog
    spent_before: Usage

    def used_prompts(self, strategy: Strategy, items: Sequence[Item]) -> set[str]:
        """Return the names of the prompts that the strategy fills for the first examples, and all steps of a chain.

        The draws are those of the first evaluations, so that they are paid once.
        """
        found: list[Evaluation] = []
        jobs = [(strategy, item, found.append) for item in items]
        event_loop.run_sync(evaluate_all(jobs, self.llm, FailureGuard("evaluations"), record=True))
        return used_prompts(strategy, (fill for one in found for fill in one.fills))


@contextmanager
def open_search(
    strategy: Strategy, pools: Pools, llm: LLM, budget: Budget, config: SearchConfig
) -> Iterator[OpenSearch]:
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
            yield OpenSearch(
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


def record_look(folder: Path | None, candidate: Candidate) -> int:
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
