"""Embeddings: requests, vectors, failures, keys and money; dense and hybrid search; the local model's own."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import subprocess
import sys
from collections.abc import Awaitable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reasoning.engine.budget import Budget
from reasoning.engine.recorded_calls import RecordedCalls
from reasoning.errors import BudgetExhausted, CallFailed, InputError, UsageError, WeightsError
from reasoning.journal import Journal
from reasoning.providers.llama_cpp.server import LlamaServer
from reasoning.retrieval import opened_sources, passage_index
from reasoning.retrieval.embedding import Embedder, open_embedder
from reasoning.retrieval.embedding_clients import OpenAIEmbeddings, decode_vector, encode_vector
from reasoning.retrieval.index import Index
from tests.retrieval.embedding_server import SIZE, EmbeddingServer, embed, vectors
from tests.retrieval.test_index import BIRDS, forget

np = pytest.importorskip("numpy")


@pytest.fixture
def server() -> Any:
    with EmbeddingServer() as running:
        yield running


async def closing(embedder: Embedder, work: Awaitable[Any]) -> Any:
    """Await work with an embedder, and close its connections."""
    try:
        return await work
    finally:
        await embedder.client.close()


async def encode(server: EmbeddingServer, texts: list[str], calls: Any = None, model: str = "m") -> Any:
    embedder = open_embedder(model, server.url)
    return await closing(embedder, embedder.encode(texts, calls))


def test_texts_are_embedded_in_order_and_in_one_request(server: EmbeddingServer) -> None:
    rows = asyncio.run(encode(server, ["one two", "two", "one two", " "]))
    assert server.bodies == [{"model": "m", "input": ["one two", "two"]}]
    assert rows.shape == (4, SIZE)
    assert rows.dtype == np.float32
    assert [float(row @ row) for row in rows] == pytest.approx([1, 1, 1, 0])
    assert float(rows[0] @ rows[1]) == pytest.approx(1 / math.sqrt(2))
    assert (rows[0] == rows[2]).all()
    assert len(asyncio.run(encode(server, []))) == 0


def test_many_texts_are_sent_in_batches(server: EmbeddingServer) -> None:
    texts = [f"text {number}" for number in range(150)]
    rows = asyncio.run(encode(server, texts))
    assert sorted(len(body["input"]) for body in server.bodies) == [22, 64, 64]
    assert [int(np.argmax(rows @ rows[place])) == place for place in (0, 70, 149)] == [True] * 3
    server.bodies.clear()
    asyncio.run(encode(server, ["x" * 7_000 + str(number) for number in range(60)] + ["y" * 9_000]))
    assert sorted(len(body["input"]) for body in server.bodies) == [5, 28, 28]
    assert max(map(len, server.texts)) == 8_000


def test_the_journal_keeps_each_text(server: EmbeddingServer, tmp_path: Path) -> None:
    for _ in range(2):
        with RecordedCalls(Journal.open(tmp_path / "journal.sqlite")) as calls:
            asyncio.run(encode(server, ["one", "two"], calls))
    assert server.texts == ["one", "two"]
    with RecordedCalls(Journal.open(tmp_path / "journal.sqlite")) as calls:
        asyncio.run(encode(server, ["two", "three"], calls))
        assert calls.usage.calls == 1
    assert server.texts == ["one", "two", "three"]
    with RecordedCalls(Journal.open(tmp_path / "journal.sqlite")) as calls:
        asyncio.run(encode(server, ["one"], calls, model="other"))
    assert server.bodies[-1] == {"model": "other", "input": ["one"]}


def test_vectors_in_base64_are_read(server: EmbeddingServer) -> None:
    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        packed = [base64.b64encode(np.array(embed(text), "<f4").tobytes()).decode() for text in body["input"]]
        return 200, {"data": [{"embedding": text, "index": n} for n, text in enumerate(packed)]}

    plain = asyncio.run(encode(server, ["one two"]))
    server.answer = answer
    assert asyncio.run(encode(server, ["one two"])) == pytest.approx(plain)
    assert decode_vector(encode_vector(plain[0])) == pytest.approx(plain[0])


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"data": []},
        {"data": [{"embedding": [1.0]}]},
        {"data": [{"embedding": [1.0], "index": 0}, {"embedding": [1.0], "index": 0}]},
        {"data": [{"embedding": []}, {"embedding": []}]},
        {"data": [{"embedding": [0.0]}, {"embedding": [0.0]}]},
        {"data": [{"embedding": ["a"]}, {"embedding": None}]},
        {"data": [{"embedding": [1e308, 1e308]}, {"embedding": [float("inf")]}]},
        {"data": [{"embedding": "!"}, {"embedding": "AAA"}]},
        {"data": [{"embedding": [[1.0]]}, {"embedding": [[1.0]]}]},
        {"data": "nothing"},
        [1],
    ],
)
def test_a_response_without_a_vector_for_each_text_is_an_error(server: EmbeddingServer, reply: Any) -> None:
    server.answer = lambda body: (200, reply)
    with pytest.raises(CallFailed, match="answered without a vector for each of 2 texts; is it an embedding model"):
        asyncio.run(encode(server, ["one", "two"]))


def test_vectors_of_different_lengths_are_an_error(server: EmbeddingServer) -> None:
    server.answer = lambda body: (200, {"data": [{"embedding": [1.0] * (n + 1)} for n in range(len(body["input"]))]})
    with pytest.raises(CallFailed, match="vectors of different lengths"):
        asyncio.run(encode(server, ["one", "two"]))


def test_one_text_that_is_refused_does_not_fail_the_others(server: EmbeddingServer, tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        if "bad" in body["input"]:
            return 400, {"error": {"message": "the input is not acceptable"}}
        return vectors(body)

    server.answer = answer
    texts = ["one", "two", "bad", "four"]
    with RecordedCalls(Journal.open(tmp_path / "journal.sqlite")) as calls:
        with pytest.raises(CallFailed, match="the input is not acceptable"):
            asyncio.run(encode(server, texts, calls))
        server.bodies.clear()
        asyncio.run(encode(server, ["one", "two", "four"], calls))
    assert server.bodies == []


def test_a_busy_server_is_asked_again_through_calls(server: EmbeddingServer) -> None:
    faults = [(503, {"error": "busy"})]
    server.answer = lambda body: faults.pop() if faults else vectors(body)
    with RecordedCalls(Journal()) as calls:
        assert asyncio.run(encode(server, ["one"], calls)).shape == (1, SIZE)
    assert len(server.bodies) == 2


def test_the_key_is_sent_and_never_shown(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REASONING_API_KEY", "sk-secret-0123456789")
    server.answer = lambda body: (401, {"error": {"message": "bad key sk-secret-0123456789"}})
    with pytest.raises(CallFailed) as raised:
        asyncio.run(encode(server, ["one"]))
    assert server.headers[0]["Authorization"] == "Bearer sk-secret-0123456789"
    assert "secret" not in f"{raised.value!r} {raised.value}"
    monkeypatch.setenv("REASONING_API_KEY", "another")
    server.answer = vectors
    asyncio.run(encode(server, ["one"]))
    assert server.headers[1]["Authorization"] == "Bearer another"


def test_paid_embeddings_count_against_the_budget(server: EmbeddingServer, tmp_path: Path) -> None:
    texts = ["one", "two three", "four"]
    with RecordedCalls(Journal.open(tmp_path / "journal.sqlite"), Budget(calls=2)) as calls:
        with pytest.raises(BudgetExhausted):
            asyncio.run(encode(server, texts, calls))
        assert calls.usage.calls == 2
    with RecordedCalls(Journal.open(tmp_path / "journal.sqlite")) as calls:
        asyncio.run(encode(server, texts, calls))
        assert calls.usage.calls == 1
    assert sorted(server.texts) == sorted(texts)


def test_tokens_and_dollars_are_shared_among_texts(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    client = open_embedder("openai/text-embedding-3-small").client
    assert isinstance(client, OpenAIEmbeddings)

    async def ask() -> Any:
        from reasoning.messages import Message, Request

        requests = [Request(client.model, (Message("user", text),), {}) for text in ("one", "three", "x" * 92)]
        done = await asyncio.gather(*(client.complete(request, [0]) for request in requests))
        await client.close()
        return [completion.usage for [completion] in done]

    usages = asyncio.run(ask())
    assert [usage.prompt_tokens for usage in usages] == [3, 5, 92]
    assert server.bodies[0]["model"] == "text-embedding-3-small"
    assert client.model == "embeddings:openai/text-embedding-3-small"
    assert sum(usage.usd or 0 for usage in usages) == pytest.approx(100 * 0.02 / 1e6)


def test_a_budget_in_dollars_holds(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    embedder = open_embedder("openai/text-embedding-3-small")
    texts = ["word " * 1_000, "more " * 1_000]
    with RecordedCalls(Journal(), Budget(usd=0.00015)) as calls:
        with pytest.raises(BudgetExhausted):
            asyncio.run(closing(embedder, embedder.encode(texts, calls)))
        assert calls.usage.calls == 1
        assert 0 < (calls.usage.usd or 0) <= 0.00015


def test_a_limit_that_the_server_states_is_obeyed(server: EmbeddingServer) -> None:
    seen: list[object] = []
    open_embedder("limited", server.url).client.on_headers = seen.append
    asyncio.run(encode(server, ["one"], model="limited"))
    assert len(seen) == 1


@pytest.mark.parametrize("method", ["dense", "hybrid"])
def test_a_passage_is_embedded_once(server: EmbeddingServer, tmp_path: Path, method: Any) -> None:
    for document in BIRDS.documents:
        (tmp_path / f"{document.title}.md").write_text(f"# {document.title}\n\n{document.text}")
    index = Index(str(tmp_path), method, f"m-{method}", server.url)
    found = index.find("storks eat frogs", 2)
    assert [one.title for one in found] == ["Stork", "Heron"]
    assert found[0].score == pytest.approx(2 / 61) if method == "hybrid" else found[0].score <= 1
    assert len(server.texts) == 5
    forget()
    assert index.find("storks eat frogs", 2) == found
    assert server.texts[5:] == ["storks eat frogs"]
    assert len(index.find("zebra", 10)) == 4
    assert index.find(" ") == []


def test_vectors_of_a_corpus_are_kept_in_the_journal_only(server: EmbeddingServer) -> None:
    index = Index(BIRDS, "dense", "m", server.url)
    assert index.find("owls", 1)[0].title == "Owl"
    assert "Heron\nHerons eat frogs and small fish. They stand still for hours." not in server.texts
    assert len(server.texts) == 5


def test_what_was_embedded_before_a_failure_is_kept(
    server: EmbeddingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened_sources, "_CHUNK", 2)
    for document in BIRDS.documents:
        (tmp_path / f"{document.title}.txt").write_text(document.text)
    server.answer = lambda body: vectors(body) if len(server.bodies) < 2 else (400, {"error": "no"})
    index = Index(str(tmp_path), "dense", "m", server.url)
    with pytest.raises(CallFailed):
        index.find("owls")
    server.answer = vectors
    forget()
    before = len(server.texts)
    assert index.find("owls hunt", 1)[0].source == "Owl.txt"
    assert len(server.texts) - before == 3  # two passages and the query


def test_a_damaged_file_of_vectors_is_made_again(server: EmbeddingServer, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("owls hunt")
    index = Index(str(tmp_path), "dense", "m", server.url)
    right = index.find("owls")
    [file] = opened_sources._stored_folder(str(tmp_path)).rglob("vectors-*.npy")
    whole = file.read_bytes()
    for damage in (b"", whole[:-4], whole[:-40] + b"\0" * 40, b"nothing"):
        file.write_bytes(damage)
        forget()
        assert index.find("owls") == right


def test_after_a_change_only_new_passages_are_embedded(server: EmbeddingServer, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("owls hunt")
    (tmp_path / "b.txt").write_text("mice hide")
    index = Index(str(tmp_path), "dense", "m", server.url)
    assert index.find("owls", 1)[0].source == "a.txt"
    (tmp_path / "b.txt").write_text("herons eat frogs")
    assert Index(str(tmp_path)).find("frogs")[0].source == "b.txt"
    assert index.find("herons", 1)[0].source == "b.txt"
    assert sorted(server.texts) == ["herons", "herons eat frogs", "mice hide", "owls", "owls hunt"]
    assert len(list(opened_sources._stored_folder(str(tmp_path)).iterdir())) == 1


def test_a_model_that_changes_its_vectors_is_named(server: EmbeddingServer, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("owls hunt")
    index = Index(str(tmp_path), "dense", "m", server.url)
    assert len(index.find("owls")) == 1
    server.answer = lambda body: (200, {"data": [{"embedding": [1.0, 2.0]}]})
    with pytest.raises(CallFailed, match="a vector of 2 numbers for the query and of 512 for the passages"):
        index.find("mice")
    server.answer = lambda body: (200, {"data": [{"embedding": [1.0] * len(body["input"][0])}]})
    (tmp_path / "b.txt").write_text("mice hide from owls")
    with pytest.raises(CallFailed, match=r"vectors of different lengths: \[19, 512\]"):
        index.find("owls")


def test_vectors_that_cannot_be_stored_are_used(
    server: EmbeddingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise InputError(f"{path}: cannot be written: disk full")

    (tmp_path / "a.txt").write_text("owls hunt")
    monkeypatch.setattr(passage_index, "atomic_write", refuse)
    assert len(Index(str(tmp_path), "dense", "m", server.url).find("owls")) == 1
    assert "vectors cannot be stored" in caplog.text


def test_names_of_models_that_are_none() -> None:
    with pytest.raises(UsageError, match="embeddings must be the name of a model"):
        open_embedder(" ")
    with pytest.raises(UsageError, match="did you mean 'smollm2-135m'"):
        open_embedder("local:smollm2-135")
    with pytest.raises(WeightsError, match="no such file"):
        open_embedder("local:gone.gguf")


@pytest.mark.filterwarnings("ignore")  # of litellm while it is imported
def test_hosted_models_go_through_litellm(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTED_VLLM_API_BASE", server.url)
    embedder = open_embedder("hosted_vllm/m")
    rows = asyncio.run(closing(embedder, embedder.encode(["one two", "two"])))
    assert float(rows[0] @ rows[1]) == pytest.approx(1 / math.sqrt(2))
    server.answer = lambda body: (429, {"error": {"message": "slow down"}})
    with pytest.raises(CallFailed, match="slow down") as raised:
        asyncio.run(closing(embedder, embedder.encode(["three"])))
    assert raised.value.retryable


@pytest.mark.parametrize(("metadata", "pooling"), [(b"llama.block_count", 1), (b"bert.pooling_type", -1)])
def test_weights_of_an_embedding_model_pool_as_they_state(tmp_path: Path, metadata: bytes, pooling: int) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + b"\0" * 40 + metadata)
    settings = SimpleNamespace(pooling_type=-1)
    LlamaServer(tmp_path / "m.gguf", embeds=True)._set_embedding(settings)
    assert (settings.embedding, settings.pooling_type) == (True, pooling)
    assert settings.n_batch == settings.n_ubatch == 512


@pytest.mark.model
def test_the_local_model_s_own_embeddings(smollm: Path) -> None:
    embedder = open_embedder(f"local:{smollm}")

    async def go(texts: list[str]) -> Any:
        rows = await embedder.encode(texts)
        again = await embedder.encode(texts[:1])
        await embedder.client.close()
        return rows, again

    long = "The heron stands in the water and waits. " * 200
    texts = ["A heron eats frogs.", "Herons feed on frogs.", "The stock market fell sharply today.", long]
    rows, again = asyncio.run(go(texts))
    assert rows.shape[0] == 4
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert float(rows[0] @ again[0]) == pytest.approx(1, abs=1e-3)
    assert float(rows[0] @ rows[1]) > float(rows[0] @ rows[2])
    assert embedder.client.free


@pytest.mark.parametrize("reply", ["", "no vector", "AAA"])
def test_a_recorded_reply_that_is_no_vector_is_an_error(server: EmbeddingServer, reply: str) -> None:
    class Calls:
        async def call(self, client: Any, payload: str, *, paid: bool = False) -> str:
            return reply

    with pytest.raises(CallFailed, match="the recorded reply is not a vector"):
        asyncio.run(encode(server, ["one"], Calls()))


def test_connections_are_closed_when_the_process_ends(server: EmbeddingServer, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("owls hunt")
    code = "import sys\nfrom reasoning.retrieval.index import Index\nprint(len(Index(*sys.argv[1:]).find('owls')))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), "dense", "m", server.url],
        capture_output=True, text=True, check=True, env={"REASONING_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_an_embedder_is_the_same_for_all_callers() -> None:
    assert isinstance(open_embedder("m", "http://localhost:1/v1"), Embedder)
    assert open_embedder("m", "http://localhost:1/v1") is open_embedder("m", "http://localhost:1/v1")
    assert json.dumps(open_embedder("m", "http://localhost:1/v1").name) == '"embeddings:m"'
