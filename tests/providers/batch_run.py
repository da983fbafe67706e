"""A comparison in batches, as a process of its own, which tests kill: FORM URL FOLDER LIMIT CALLS SPECS."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from reasoning.benchmarks import compare
from reasoning.engine.budget import Budget
from reasoning.engine.connect import connect
from reasoning.providers.batch.client import BatchPace
from reasoning.spec import split

PACE = BatchPace(quiet=0.1, first_poll=0.05, longest_poll=0.05, grace=0.1, longest_retry=0.1)


def main() -> None:
    """Run it, and print the number of results that are not failed."""
    form, url, folder, limit, calls, specs = sys.argv[1:]
    model, settings = "mock", {"base_url": url}
    if form == "anthropic":
        os.environ |= {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_API_BASE": url}
        model, settings = "anthropic/claude-haiku-4-5", {}
    journal, out = Path(folder) / "journal.sqlite", Path(folder) / "out"
    budget = Budget(calls=int(calls)) if calls != "-" else None
    with connect(model, journal=journal, batch=PACE, budget=budget, **settings) as llm:  # type: ignore[arg-type]
        done = compare(split(specs), "gsm_symbolic", llm, limit=int(limit), out=out, progress=False)
    failed = len(done.failed)
    sys.stdout.write(f"{len(done.results) - failed} {failed}\n")


if __name__ == "__main__":
    main()
