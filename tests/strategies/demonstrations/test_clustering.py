"""Vectors of questions, by TF-IDF or by an embedding model, and their clusters."""

from __future__ import annotations

import asyncio
import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reasoning import Journal, Problem, kinds
from reasoning.errors import MissingExtra, UsageError
from reasoning.session import Session
from reasoning.strategies.demonstrations.clustering import cluster, encode
from reasoning.strategies.demonstrations.generated.auto_cot import AutoCoT
from reasoning.testing import ScriptedLLM
from reasoning.trace import Trace
from tests.retrieval.embedding_server import EmbeddingServer

TEXTS = [
    *("Ann buys 2 pens at the shop.", "A train drives 90 km an hour.", "Ben buys 5 pens at the shop."),
    *("The train drives 40 km an hour.", "Cem buys 7 pens at the shop.", "A baker bakes rolls."),
]


def tf_idf(texts: list[str]) -> Any:
    return asyncio.run(encode(texts, None, Session(ScriptedLLM([]), Trace("t"))))


def test_texts_about_the_same_are_in_one_cluster() -> None:
    vectors = tf_idf(TEXTS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1] * 6)
    assert sorted(map(sorted, cluster(vectors, 3, seed=192))) == [[0, 2, 4], [1, 3], [5]]


def test_members_come_in_the_order_of_their_distance_to_the_centre() -> None:
    vectors = np.array([[0, 0], [1, 0], [3, 0], [100, 0], [101, 0], [103, 0]], np.float32)
    assert sorted(cluster(vectors, 2)) == [[1, 0, 2], [4, 3, 5]]
    assert cluster(vectors[[1, 1, 0, 2, 2]], 1) == [[0, 1, 3, 4, 2]], "ties keep the order of the vectors"


def test_the_same_vectors_and_seed_give_the_same_clusters() -> None:
    vectors = np.random.default_rng(0).random((200, 20), np.float32)
    assert cluster(vectors, 8, seed=1) == cluster(vectors, 8, seed=1)
    members = [index for part in cluster(vectors, 8, seed=1) for index in part]
    assert sorted(members) == list(range(200))


def test_equal_vectors_share_a_cluster_and_there_are_no_more_clusters_than_vectors() -> None:
    vectors = tf_idf([*TEXTS[:2], TEXTS[0], TEXTS[1], TEXTS[0]])
    assert sorted(cluster(vectors, 8)) == [[0, 2, 4], [1, 3]]
    assert cluster(tf_idf(["", "?!", ""]), 2) == [[0, 1, 2]]
    assert cluster(tf_idf([]), 2) == []
    with pytest.raises(UsageError, match="number of clusters must be at least 1, got 0"):
        cluster(vectors, 0)


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "sklearn":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    llm = ScriptedLLM([])
    with pytest.raises(MissingExtra, match=r"scikit-learn; install it with: pip install 'reasoning-strategies\[clust"):
        AutoCoT().fit(TEXTS, llm)
    assert llm.calls == 0


def test_embeddings_come_from_a_model_and_stay_in_the_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pool = [Problem(text, kinds.Number()) for text in TEXTS]
    with EmbeddingServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
        learner = AutoCoT(k=3, embeddings="openai/for-clusters")
        fitted = []
        for _ in range(2):
            llm = ScriptedLLM(lambda _: "It is 3 * 2 = 6.\nThe answer is 6.", journal=Journal(tmp_path / "j.sqlite"))
            fitted.append(learner.fit(pool, llm))
        assert fitted[0] == fitted[1]
        assert len(fitted[0].demonstrations) == 3  # type: ignore[arg-type]
        assert sorted(text for body in server.bodies for text in body["input"]) == sorted(TEXTS)
