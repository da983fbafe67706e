"""Count the questions of a generated encyclopaedia whose answer is in the first five passages, by method.

PYTHONPATH=. python scripts/perf/search_recall.py local:smollm2-135m
"""

from __future__ import annotations

import sys
from typing import Literal

from reasoning.benchmarks.tasks.encyclopaedia import Encyclopaedia
from reasoning.problem import Example
from reasoning.retrieval.index import Index

QUESTIONS, PASSAGES = 40, 5


def main() -> None:
    """Print the counts of bm25, and of dense and hybrid with each embedding model that is named."""
    examples = Encyclopaedia().with_split("easy").load(QUESTIONS, 0)
    print(f"bm25: {count_found(examples, 'bm25')} of {len(examples)}")
    for model in sys.argv[1:]:
        print(f"dense, {model}: {count_found(examples, 'dense', model)}")
        print(f"hybrid, {model}: {count_found(examples, 'hybrid', model)}")


def count_found(
    examples: list[Example], method: Literal["bm25", "dense", "hybrid"], embeddings: str | None = None
) -> int:
    """Return the number of examples with the answer in one of the first passages."""
    found = 0
    for example in examples:
        assert example.problem.corpus is not None
        passages = Index(example.problem.corpus, method, embeddings).find(example.problem.question, PASSAGES)
        found += any(str(example.target) in passage.text for passage in passages)
    return found


if __name__ == "__main__":
    main()
