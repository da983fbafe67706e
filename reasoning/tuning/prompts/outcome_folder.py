"""The folder of an outcome: prompts as Markdown, demonstrations, scores, log, picture, and a page to read.

README.md         what was searched and found, and how to use it
prompts/NAME.md   each changed prompt with its demonstrations; NAME.txt for a phrase
original/NAME.md  the same prompts before
prompts.diff      the difference
chain/            the tuned chain, if a chain was tuned
outcome.json      scores, cost and verdict
search.jsonl      the log of the search
search.svg        the score of each candidate against the tokens of the search
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from reasoning.chain.chain import Chain
from reasoning.errors import UsageError
from reasoning.files import atomic_write
from reasoning.messages import Usage
from reasoning.prompt_overrides import OUTCOME
from reasoning.prompts import Prompt
from reasoning.tables import escape_markdown, pluralize
from reasoning.text_safety import dump_json, strip_control
from reasoning.tuning.prompts.outcome import Outcome
from reasoning.tuning.prompts.picture import search_picture
from reasoning.tuning.prompts.prompt_diff import prompt_file, prompt_text

PROMPTS, ORIGINALS = "prompts", "original"


def write_outcome(outcome: Outcome, folder: Path, original_score: float) -> None:
    """Write the files of an outcome; those of an earlier outcome in the folder are replaced.

    Args:
        outcome: the outcome.
        folder: the folder of the search, which exists.
        original_score: the score of the original on the selection pool.
    """
    _write_prompts(folder / PROMPTS, outcome.changes)
    _write_prompts(folder / ORIGINALS, outcome.before)
    atomic_write(folder / "prompts.diff", strip_control(outcome.diff()))
    atomic_write(folder / OUTCOME, dump_json(outcome.to_json(), indent=1, default=str) + "\n")
    title = f"{outcome.method} on {outcome.original!r}"
    atomic_write(
        folder / "search.svg",
        search_picture(outcome.events, outcome.candidate.key, strip_control(title), original_score),
    )
    if isinstance(outcome.strategy, Chain) and outcome.changes:
        _write_chain(outcome.strategy, folder / "chain")
    atomic_write(folder / "README.md", strip_control(_page(outcome, folder)))


def _write_prompts(folder: Path, prompts: Mapping[str, Prompt | str]) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
    if prompts:
        folder.mkdir()
    for name, prompt in prompts.items():
        atomic_write(folder / prompt_file(name, prompt), prompt_text(prompt))


def _write_chain(chain: Chain, folder: Path) -> None:
    # A chain that was made in Python may hold functions that no file can name.
    with suppress(UsageError):
        chain.replace(name=chain.name.partition("#")[0]).save(folder)


def how_to_use(outcome: Outcome, folder: Path) -> str:
    """Return the command that uses the tuned prompts; empty if nothing changed."""
    if not outcome.changes:
        return ""
    if isinstance(outcome.original, Chain) and (folder / "chain").is_dir():
        return f"reasoning chain run {shlex.quote(str(folder / 'chain'))} FILE"
    place = str(folder) if "/" in str(folder) else f"./{folder}"
    return f"reasoning ask … --strategy {shlex.quote(place)}"


def _cost(usage: Usage) -> str:
    price = "" if usage.usd is None else f", ${usage.usd:.4f}"
    return f"{usage.prompt_tokens + usage.completion_tokens:,} tokens in {pluralize(usage.calls, 'call')}{price}"


def _page(outcome: Outcome, folder: Path) -> str:
    escaped = escape_markdown
    lines = [
        f"# Prompts for {escaped(repr(outcome.original))}",
        "",
        escaped(outcome.verdict),
        "",
        f"- Model: `{outcome.model}`",
        f"- Method: {outcome.method}; {pluralize(outcome.candidates, 'candidate')}; ended by the "
        f"{'budget' if outcome.is_exhausted else 'method'}",
        f"- Pools: {escaped(outcome.pools)}",
        f"- Cost: {_cost(outcome.used)}; spent: {_cost(outcome.total)}",
        "",
        "![The score of each candidate against the tokens of the search](search.svg)",
        "",
        *(f"{table.to_markdown()}\n" for table in outcome.table().tables),
        "",
    ]
    if use := how_to_use(outcome, folder):
        lines += [
            "## Use",
            "",
            f"    {use}",
            "",
            "## Changes",
            "",
            *(f"    {line}" for line in outcome.diff().splitlines()),
            "",
        ]
    return "\n".join(lines)
