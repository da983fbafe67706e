"""Flip single bits of a journal of recorded draws, and count what `reasoning journal verify` finds.

    .venv/bin/python scripts/faults/bit_flips.py --flips 1500

Each flip is one random bit of the file. A failure is a flip that changes a draw and is not found, or a
reply that is read and is not the recorded one.
"""

from __future__ import annotations

import argparse
import gzip
import random
import sqlite3
import sys
import tempfile
import warnings
from collections import Counter
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from reasoning.errors import JournalError
from reasoning.journal import Journal
from reasoning.journal.codec import COLUMNS
from reasoning.journal.importing import import_draws
from reasoning.journal.maintenance import verify
from reasoning.messages import Completion

DRAWS = Path(__file__).resolve().parents[2] / "docs/research/measured/draws.jsonl.gz"
JOIN = "FROM draws JOIN requests ON requests.id = draws.request ORDER BY key, draw"


def read(path: Path, draws: list[tuple[str, int]]) -> dict[tuple[str, int], Completion | None]:
    """Read draws one by one, as a run does."""
    journal = Journal(path)
    try:
        return {(key, draw): journal.read(key, [draw]).get(draw) for key, draw in draws}
    finally:
        journal.close()


def rows(path: Path, columns: str) -> list[tuple[Any, ...]]:
    """Return columns of all draws."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {columns} {JOIN}").fetchall()


def is_found(path: Path) -> bool:
    """Return whether `verify` reports a problem."""
    try:
        return any(verify(path))
    except JournalError:
        return True


def are_rows_changed(path: Path, before: list[tuple[Any, ...]]) -> bool:
    """Return whether a reader of the file gets other rows, or none."""
    try:
        return rows(path, ALL) != before
    except (sqlite3.Error, ValueError):
        return True


ALL = f"key, model, requests.request, {', '.join(f'draws.{column}' for column in COLUMNS)}"


def flip(folder: Path, number: int, seed: int) -> Counter[tuple[str, str, str]]:
    """Return the number of flips by what `verify` found, whether rows changed, and what a run would read."""
    path, flipped, some = folder / "journal.sqlite", folder / "flipped.sqlite", folder / "some.jsonl"
    with gzip.open(DRAWS, "rt", encoding="utf-8") as lines, some.open("w", encoding="utf-8") as out:
        out.writelines(islice(lines, 0, None, 97))
    import_draws(path, some)
    draws = [(key.hex(), draw) for key, draw in rows(path, "key, draw")]
    replies, before = read(path, draws), rows(path, ALL)
    content, chance, counts = bytearray(path.read_bytes()), random.Random(seed), Counter[tuple[str, str, str]]()
    for _ in range(number):
        place, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        content[place] ^= bit
        flipped.write_bytes(content)
        content[place] ^= bit
        for log in ("-wal", "-shm"):
            flipped.with_name(flipped.name + log).unlink(missing_ok=True)
        found, changed = is_found(flipped), are_rows_changed(flipped, before)
        with warnings.catch_warnings(record=True, action="always") as warned:
            try:
                got = read(flipped, draws)
            except JournalError:
                how = "an error"
            else:
                if got == replies:
                    how = "the same replies"
                elif any(reply is not None and reply != replies[key] for key, reply in got.items()):
                    how = "a wrong reply"
                else:
                    how = "a reply less, with a warning" if warned else "a reply less, without a word"
        counts["found" if found else "not found", "changed" if changed else "unchanged", how] += 1
    return counts


def main() -> int:
    """Run the command; return 1 if a flip was a failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=1500, help="number of flips")
    parser.add_argument("--seed", type=int, default=1, help="seed of the places")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = flip(Path(folder), arguments.flips, arguments.seed)
    print("| flips | verify | rows | a run reads |\n| ---: | --- | --- | --- |")
    for row, count in sorted(counts.items()):
        print(f"| {count} | {' | '.join(row)} |")
    silent = any(found == "not found" and changed == "changed" for found, changed, _ in counts)
    return int(silent or any(how == "a wrong reply" for *_, how in counts))


if __name__ == "__main__":
    sys.exit(main())
