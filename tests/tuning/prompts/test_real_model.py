"""A small search on a real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoning import Budget, connect
from reasoning.tuning import optimise
from reasoning.tuning.prompts.pools import PoolSizes


@pytest.mark.long
@pytest.mark.model
@pytest.mark.usefixtures("selected_by_mark", "smollm")
def test_a_search_on_a_small_model_stays_within_its_tokens_and_continues(tmp_path: Path) -> None:
    def search() -> tuple[str, int, int]:
        with connect("local:smollm2-135m", journal=False) as llm:
            outcome = optimise(
                *("vanilla", "feedback_sentiment", llm),
                budget=Budget(tokens=30_000),
                sizes=PoolSizes(8, 10, 12),
                out=tmp_path / "out",
            )
            tokens = outcome.total.prompt_tokens + outcome.total.completion_tokens
            return outcome.verdict, tokens, outcome.spent.calls

    verdict, tokens, calls = search()
    assert 0 < tokens <= 30_000
    assert calls > 0
    assert search() == (verdict, tokens, 0)
    assert (tmp_path / "out" / "search.svg").is_file()
