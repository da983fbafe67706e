"""GSM8K through `datasets`: from a folder in the form of the hub's repository, and without a network."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks.tasks.gsm8k import GSM8K
from reasoning.errors import InputError
from reasoning.kinds import Number

datasets = pytest.importorskip("datasets")

CARD = """---
configs:
- config_name: main
  data_files:
  - split: test
    path: main/test-*
---
"""


def test_problems_and_their_gold_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "gsm8k" / "main").mkdir(parents=True)
    (tmp_path / "gsm8k" / "README.md").write_text(CARD)
    rows = [{"question": f" {k} boxes? ", "answer": f"He has <<{k}*10={k}0>>{k}0.\n#### 1,{k:03d}"} for k in range(5)]
    split = datasets.Dataset.from_list(rows)
    split.to_parquet(tmp_path / "gsm8k" / "main" / "test-00000-of-00001.parquet")
    task = GSM8K(str(tmp_path / "gsm8k"))
    examples = task.load(3, 0)
    assert [example.problem.id for example in examples] == ["gsm8k-0001", "gsm8k-0002", "gsm8k-0003"]
    assert examples[2].problem.question == "2 boxes?"
    assert examples[2].problem.kind == Number()
    assert examples[2].score(1002)
    assert not examples[2].score(20)
    assert len(task.load(99, 0)) == 5


def test_without_a_network_it_says_at_once_which_file_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    started = time.monotonic()
    with pytest.raises(InputError) as raised:
        GSM8K().load(3, 0)
    assert time.monotonic() - started < 10
    assert "--task jsonl:test.jsonl" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_offline_and_never_fetched_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    with pytest.raises(InputError, match=r"jsonl:test\.jsonl"):
        GSM8K("openai/nothing-like-gsm8k").load(3, 0)
