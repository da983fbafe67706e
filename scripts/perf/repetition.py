"""The share of completion tokens that a stop at the first repetition would save, on the recorded draws.

    PYTHONPATH=. python scripts/perf/repetition.py

Each reply is looked at every 32 tokens from the 64th on, as a client that streams would do. Replies that are stopped
although they would have ended by themselves, or would have left the circle before their limit, are the price.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from reasoning import repetition

DRAWS = Path(__file__).parents[2] / "docs/research/measured/draws.jsonl.gz"
THRESHOLDS = ((4, 200, 400), (6, 400, 600), (8, 400, 800), (10, 800, 1000))
"""The least repetitions, and the least characters without and with running numbers."""
FIRST, EVERY = 64, 32


def main() -> None:
    """Print the number of marked replies, and a line for each threshold."""
    with gzip.open(DRAWS, "rt", encoding="utf-8") as file:
        draws = [json.loads(line) for line in file]
    draws = [draw for draw in draws if "request" in draw]
    cut = [draw for draw in draws if draw["finish_reason"] == "length"]
    marked = [draw for draw in cut if repetition.find_repetition(draw["text"])]
    total = sum(draw["completion_tokens"] for draw in draws)
    tokens = sum(draw["completion_tokens"] for draw in marked)
    print(f"{len(draws):,} draws, {total:,} completion tokens; cut off by their limit: {len(cut)}")
    print(f"of these marked: {len(marked)}, with {tokens / total:.1%} of all tokens")
    print("times, chars, numbered: saved; stopped, of these would have ended, or have left the circle")
    for thresholds in THRESHOLDS:
        repetition.MIN_TIMES, repetition.MIN_CHARS, repetition.MIN_NUMBERED_CHARS = thresholds
        saved = stopped = ended = left = 0
        for draw in draws:
            if rest := _saved(draw["text"], draw["completion_tokens"]):
                saved, stopped = saved + rest, stopped + 1
                if draw["finish_reason"] != "length":
                    ended += 1
                elif not repetition.find_repetition(draw["text"]):
                    left += 1
        print(f"{thresholds}: {saved / total:.1%}; {stopped}, {ended}, {left}")


def _saved(text: str, tokens: int) -> int:
    """Return the tokens after the first look that finds a repetition; 0 without one."""
    if len(text) < repetition.MIN_CHARS:
        return 0
    looks = range(FIRST, tokens, EVERY)
    return next((tokens - at for at in looks if repetition.find_repetition(text[: len(text) * at // tokens])), 0)


if __name__ == "__main__":
    main()
