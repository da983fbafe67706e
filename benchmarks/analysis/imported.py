"""The caveats of a folder that was made of logs of other tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reasoning.benchmarks.results.result_rows import ResultRows
from reasoning.tables import pluralize


def imported_caveats(imported: Any, results: ResultRows) -> Iterator[str]:
    """Yield who scored the results, and what the logs do not say.

    Args:
        imported: what the folder keeps about the import; None for a run of this library.
        results: the results.
    """
    if not isinstance(imported, Mapping) or not isinstance(strategies := imported.get("strategies"), Mapping):
        return
    logs = {name: log for name, log in strategies.items() if isinstance(log, Mapping)}
    scores = dict.fromkeys(f"{log.get('tool')} ({log.get('scorer')})" for log in logs.values())
    if imported.get("rescored"):
        yield f"Replies of {', '.join(scores)} were read again by this library; those without a text keep their score."
    else:
        yield f"The scores are those of {'; '.join(scores)}."
    if blind := [name for name, log in logs.items() if not log.get("knows_truncation")]:
        yield (
            f"Whether a limit cut replies off is not recorded for {', '.join(blind)}: a difference that cut-off "
            "replies could have made is not withheld."
        )
    if missing := results.unrecorded:
        few = int((results.data["unrecorded"] >= 0).sum())
        which = "" if few == len(results) else f" for {few:,} of {pluralize(len(results), 'result')}"
        yield f"Not recorded in the logs, and unknown here: {', '.join(missing)}{which}."
    notes: dict[str, list[str]] = {}
    for name, log in logs.items():
        for note in log.get("notes") or ():
            notes.setdefault(str(note), []).append(name)
    for note, names in notes.items():
        yield note if len(names) == len(logs) else f"{', '.join(names)}: {note}"
