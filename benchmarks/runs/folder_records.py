"""The records of a run in its folder, for the next command: first epoch, configuration, settings of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.draw_stream import MAX_EPOCHS
from reasoning.engine.llm import LLM
from reasoning.errors import UsageError
from reasoning.journal import Journal
from reasoning.strategy import Strategy
from reasoning.tables import pluralize


def choose_epoch(store: ResultsFolder, config: RunConfig, journal: Journal) -> None:
    """Choose and store the first epoch of a new folder, so that the same call continues with the same draws."""
    if config.new_samples and store.results and not store.metadata.get("first_epoch"):
        raise UsageError(f"{config.folder} holds results of recorded draws; give another folder for new samples")
    if "first_epoch" not in store.metadata:
        store.update_metadata(first_epoch=journal.unused_epoch(config.epochs) if config.new_samples else 0)
    if config.epochs > (most := MAX_EPOCHS - (first := store.metadata["first_epoch"])):
        raise UsageError(
            f"{config.folder} holds samples from epoch {first:,} on: at most {pluralize(most, 'epoch')}, got "
            f"{config.epochs:,}; give another folder for more"
        )


def record_invocation(
    store: ResultsFolder, named: Mapping[str, Strategy], config: RunConfig, model: LLM
) -> dict[str, Any]:
    """Store the configuration, unless it is stored: a repetition needs every one that filled the folder."""
    whole = config.part_of or config
    invocation = {"strategies": list(named), "concurrency": model.concurrency, **whole.to_json()}
    optional = {"budget": str(model.budget), "prices": model.client.prices}
    invocation |= {name: value for name, value in optional.items() if value}
    known = store.metadata.get("invocations", [])
    if invocation not in known:
        store.update_metadata(invocations=[*known, invocation])
    return invocation


def record_requests(store: ResultsFolder, model: LLM) -> None:
    """Store how requests differ from the settings: without it, rescoring would not find their draws."""
    endpoint = model.client.endpoint
    differences = {
        "refused_settings": list(model.refused),
        "left_out": model.traits.dropped(model.sampling),
        "endpoint": endpoint if endpoint != store.settings.get("base_url") else None,
    }
    new = {name: value for name, value in differences.items() if value and value != store.metadata.get(name)}
    if new:
        store.update_metadata(**new)
