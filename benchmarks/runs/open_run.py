"""The resources of a run that fills its folder: the results, a journal, and the ledger of its budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reasoning.benchmarks.results.folder import DRAWS, SPENDING, ResultsFolder
from reasoning.benchmarks.results.settings import run_settings
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.tasks import Task
from reasoning.engine.budget import Budget
from reasoning.engine.ledger import Ledger, Spending
from reasoning.engine.llm import LLM
from reasoning.errors import UsageError
from reasoning.journal import Journal
from reasoning.messages import Usage
from reasoning.secret_scan import mask_secrets
from reasoning.strategy import Strategy


@dataclass
class OpenRun:
    """A run whose folder is open.

    Attributes:
        store: the results.
        journal: where draws are recorded.
        ledger: what the run spends; None without a folder.
        before: what earlier commands of the run spent.
        budget: the model's budget with that spending.
        is_refused: whether the run was stopped before its first call; then it leaves no new folder.
    """

    store: ResultsFolder
    journal: Journal
    ledger: Ledger | None
    before: Spending
    budget: Budget
    is_refused: bool = False


@contextmanager
def open_run(task: Task, model: LLM, named: Mapping[str, Strategy], config: RunConfig) -> Iterator[OpenRun]:
    """Open the folder of a run, or create it, and close it when the block ends.

    A command that was wrong, or that its budget or key stopped at the first call, leaves no new
    folder behind, and no strategy without results.

    Raises:
        UsageError: the folder belongs to another run, is damaged or in use.
    """
    metadata = {"free": model.client.free, "source": mask_secrets(task.source), "licence": task.licence}
    if config.selection and config.selection.is_cut and isinstance(config.selection.total, int):
        metadata["default_limit"] = [config.selection.count, config.selection.total]
    settings = run_settings(task, config.seed, model, config.problem_budget)
    store = ResultsFolder.open(config.folder, settings, metadata)
    registered, called_before = list(store.specs), model.usage.calls
    own_journal = ledger = None
    is_refused = False
    try:
        if config.folder is not None:
            # The folder keeps a copy of the draws that it used, so that it can be sent to another person.
            own_journal = _open_journal(config.folder, config.local_journal, model.journal)
            ledger = Ledger(config.folder / SPENDING, model.price)
        run = OpenRun(store, own_journal or model.journal, ledger, *_resume_budget(config, model, ledger))
        yield run
        is_refused = run.is_refused
    except UsageError:
        is_refused = model.usage.calls == called_before
        # A request that was refused leaves no strategy without results.
        begun = store.results.rows().distinct("strategy")
        store.forget_strategies(spec for spec in named if spec not in registered and spec not in begun)
        raise
    finally:
        if ledger is not None:
            ledger.close()
        if own_journal is not None:
            own_journal.close()
        if is_refused and (ledger is None or not Spending.read(ledger.path, model.price).total().calls):
            store.discard()
        store.close()


def _open_journal(folder: Path, local: Path | None, parent: Journal) -> Journal:
    """Return the journal of a folder. One on a local disk is made from the folder's draws."""
    if local is None:
        return Journal(folder / "journal.sqlite", parent=parent)
    from reasoning.journal.draw_log import DrawLog, make_journal

    for suffix in ("", "-wal", "-shm"):
        local.with_name(local.name + suffix).unlink(missing_ok=True)
    make_journal(local, [folder / DRAWS])
    # A parent in memory would keep every draw there.
    return Journal(local, parent=None if parent.path is None else parent, log=DrawLog(folder / DRAWS))


def _resume_budget(config: RunConfig, model: LLM, ledger: Ledger | None) -> tuple[Spending, Budget]:
    """Return the spending of the run's earlier commands, and the model's budget with that spending."""
    budget = model.budget if config.budget is None else config.budget.nested_in(model.budget)
    if ledger is None:
        return Spending(), budget
    runs = [ledger.before, *(Spending.read(folder / SPENDING, model.price) for folder in config.shares_budget_with)]
    spent = Usage.total(run.total() for run in runs)
    return ledger.before, budget.resumed(spent, ledger.before.bounds, ledger.before.carried())
