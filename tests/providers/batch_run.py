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

HOSTED = {
    "anthropic": ("anthropic/claude-haiku-4-5", "ANTHROPIC_API_BASE"),
    "gemini": ("gemini/gemini-2.5-flash", "GEMINI_API_BASE"),
    "mistral": ("mistral/mistral-small-latest", "MISTRAL_API_BASE"),
}
"""The model of each form that litellm calls, and the environment variable of its address."""


def main() -> None:
    """Run it, and print the number of results that are not failed."""
    form, url, folder, limit, calls, specs = sys.argv[1:]
    model, settings = "mock", {"base_url": url}
    if form in HOSTED:
        model, variable = HOSTED[form]
        os.environ |= {f"{form.upper()}_API_KEY": "test", variable: url}
        settings = {}
    journal, out = Path(folder) / "journal.sqlite", Path(folder) / "out"
    budget = Budget(calls=int(calls)) if calls != "-" else None
    with connect(model, journal=journal, batch=PACE, budget=budget, **settings) as llm:  # type: ignore[arg-type]
        done = compare(split(specs), "gsm_symbolic", llm, limit=int(limit), out=out, progress=False)
    failed = len(done.failed)
    sys.stdout.write(f"{len(done.results) - failed} {failed}\n")


if __name__ == "__main__":
    main()
