"""Measure an index of texts: building, opening and searching it, and its ranking against bm25s alone.

PYTHONPATH=. python scripts/perf/search_index.py 10000
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

QUERIES = 200
_PASSAGES_PER_FILE = 10


def main() -> None:
    """Build, open and search an index of as many passages as the first argument says."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["REASONING_HOME"] = str(folder / "home")
        (folder / "texts").mkdir()
        queries = write_texts(folder / "texts", count)
        measure(str(folder / "texts"), queries)
        arguments = [str(folder / "texts"), queries[0]]
        code = f"import sys, search_index; sys.argv[1:] = {arguments!r}; search_index.open_again()"
        path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": path})


def write_texts(folder: Path, count: int) -> list[str]:
    """Write files of ten passages each; return queries of three of their words."""
    generator = random.Random(1)
    vocabulary = [
        "".join(generator.choices("abcdefghijklmnopqrstuvwxyz", k=generator.randint(3, 10))) for _ in range(30_000)
    ]
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    for number in range(count // _PASSAGES_PER_FILE):
        parts = [" ".join(generator.choices(vocabulary, weights, k=120)) for _ in range(_PASSAGES_PER_FILE)]
        (folder / f"{number:05}.md").write_text("\n\n".join(parts))
    return [" ".join(generator.choices(vocabulary[50:], k=3)) for _ in range(QUERIES)]


def measure(folder: str, queries: list[str]) -> None:
    """Print the times of building and searching, and how often the ranking is that of bm25s alone."""
    import bm25s

    from reasoning.retrieval.index import Index
    from reasoning.retrieval.opened_sources import open_source
    from reasoning.retrieval.passages import cut_passages
    from reasoning.retrieval.reading import Source
    from reasoning.retrieval.words import query_words, words

    started = time.process_time()
    opened = open_source(folder)
    print(f"passages: {len(opened.passages):,}; built and stored in {time.process_time() - started:.2f} s of CPU")
    stored = sum(path.stat().st_size for path in opened.stored.rglob("*") if path.is_file()) if opened.stored else 0
    print(f"on disk: {stored / 1e6:.1f} MB")
    index = Index(folder)
    print(f"find(): median {_median([_timed(index.find, query) for query in queries]):.2f} ms")
    best = opened.passages.words.best
    print(f"ranking alone: median {_median([_timed(best, query_words(query), 5) for query in queries]):.2f} ms")
    texts = [passage.text for document in Source(folder).documents() for passage in cut_passages(document)]
    plain = bm25s.BM25()
    plain.index([words(text) for text in texts], show_progress=False)
    same = 0
    for query in queries:
        scores = plain.get_scores(query_words(query) or [""])
        wanted = sorted(range(len(texts)), key=lambda number: -scores[number])[:5]
        same += [texts[number] for number in wanted if scores[number] > 0] == [one.text for one in index.find(query)]
    print(f"first five as of bm25s alone: {same} of {len(queries)} queries")


def open_again() -> None:
    """Print the time in which another process opens the index and answers a query, without imports."""
    import bm25s  # noqa: F401

    from reasoning.retrieval.index import Index
    from reasoning.retrieval.opened_sources import open_source

    started, cpu = time.perf_counter(), time.process_time()
    open_source(sys.argv[1])
    print(f"opened by another process in {1000 * (time.perf_counter() - started):.0f} ms", end=" ")
    print(f"({1000 * (time.process_time() - cpu):.0f} ms of CPU)")
    Index(sys.argv[1]).find(sys.argv[2])


def _timed(function: object, *arguments: object) -> float:
    started = time.process_time()
    function(*arguments)  # type: ignore[operator]
    return time.process_time() - started


def _median(seconds: list[float]) -> float:
    return 1000 * statistics.median(seconds)


if __name__ == "__main__":
    main()
