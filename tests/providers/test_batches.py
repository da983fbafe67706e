"""Batches: each line is paid once, whatever fails and whenever the process ends."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reasoning import Problem, connect, kinds
from reasoning.benchmarks import compare
from reasoning.engine.budget import Budget
from reasoning.engine.ledger import Ledger, Spending
from reasoning.engine.llm import LLM
from reasoning.errors import (
    AuthenticationFailed,
    BudgetExhausted,
    CallFailed,
    ContextOverflow,
    JournalError,
    PriceUnknown,
    ReplyPending,
    UsageError,
)
from reasoning.messages import Completion, Conversation, Message, Request, Usage
from reasoning.mock_batches.server import BatchForm
from reasoning.providers.batch.api import BatchLimits
from reasoning.providers.batch.client import BatchClient, BatchPace
from reasoning.providers.batch.openai_batches import OpenAIBatches
from reasoning.providers.batch.outcomes import ATTEMPTS
from reasoning.providers.batch.store import BatchStore, store_path
from reasoning.providers.pricing import price_table
from reasoning.registry import get
from reasoning.testing import BatchFaults, MockBatchServer
from tests.providers.batch_run import HOSTED, PACE

EACH: Sequence[BatchForm] = ("openai", "anthropic", "gemini", "mistral")
FORMS: Sequence[BatchForm] = ("openai", "anthropic")
"""The forms whose clients differ the most, for what is the same in all."""
PROBLEMS = 100
"""The problems of the run that is killed 20 times."""
SPECS = ["vanilla", "self_consistency(cot, samples=3)", "least_to_most"]
HAIKU = HOSTED["anthropic"][0]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasoning.engine.retry._BACKOFF", lambda state: 0.01)
    for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY"):
        monkeypatch.setenv(name, "test")


def model(server: MockBatchServer, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> LLM:
    """Connect to a mock provider in batches."""
    settings = {"journal": folder / "journal.sqlite", "batch": PACE, **settings}
    if server.form in HOSTED:
        name, variable = HOSTED[server.form]
        monkeypatch.setenv(variable, server.base_url)
        return connect(name, **settings)
    return connect("mock", base_url=server.base_url, **settings)


def ask(llm: LLM, texts: Sequence[str], n: int = 1) -> list[list[Completion]]:
    """Ask for `n` draws of each text, all at once."""
    from reasoning import event_loop

    async def one(text: str) -> list[Completion]:
        request = llm.request(Conversation((Message("user", text),)), {"temperature": 1.0})
        return await llm.draw(request, range(n))

    async def every() -> list[list[Completion]]:
        return list(await asyncio.gather(*map(one, texts)))

    return event_loop.run_sync(every())


TEXTS = [f"question {number}" for number in range(6)]


@pytest.mark.parametrize("form", EACH)
def test_calls_that_wait_leave_together(form: BatchForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockBatchServer(form) as server, model(server, tmp_path, monkeypatch) as llm:
        draws = ask(llm, TEXTS, 3)
    # One line has the three draws of a request where the provider supports it.
    assert [len(ids) for ids in server.submitted] == [6 if form == "openai" else 18]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", one) for ids in server.submitted for one in ids)
    assert [[draw.text[:6] for draw in each] for each in draws] == [["Draw 0", "Draw 1", "Draw 2"]] * 6
    assert {draw.usage.seconds for each in draws for draw in each} == {0.0}
    assert llm.usage.calls == 18
    # The journal has them, so the store keeps no reply.
    assert BatchStore.next_to(tmp_path / "journal.sqlite").counts(1) == {}


@pytest.mark.parametrize("form", EACH)
def test_lines_that_fail_are_sent_again_and_none_twice(
    form: BatchForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = BatchFaults(expire=0.1, fail=0.05, lose=0.02, duplicate=0.1, slow=0.3, down=2, break_off=2)
    with MockBatchServer(form, faults=faults) as server, model(server, tmp_path, monkeypatch) as llm:
        done = compare(SPECS, "gsm_symbolic", llm, limit=5, progress=False)
    assert len(done.results) == 15
    assert not done.failed
    assert server.batches >= 2
    assert set(server.paid.values()) == {1}
    assert llm.usage.calls == 5 + 15 + 10


def test_batches_find_what_single_calls_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for form in FORMS:
        folder = tmp_path / form
        with MockBatchServer(form) as server, model(server, folder, monkeypatch) as llm:
            request = llm.request(Conversation((Message("user", "question"),)), {})
            ask(llm, ["question"])
        name = HOSTED[form][0] if form in HOSTED else "mock"
        single = connect(name, base_url=None if form in HOSTED else server.base_url)
        # The key of a draw does not tell how it came.
        assert single.request(Conversation((Message("user", "question"),)), {}).key == request.key


@pytest.mark.parametrize("faults", [{"drop_answers": 1}, {"drop_requests": 1}, {"drop_answers": 1, "drop_requests": 1}])
@pytest.mark.parametrize("form", EACH)
def test_a_lost_answer_to_a_submission_is_looked_up(
    form: BatchForm, faults: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = MockBatchServer(form, faults=BatchFaults(**faults))  # type: ignore[arg-type]
    with server, model(server, tmp_path, monkeypatch) as llm:
        ask(llm, TEXTS[:2])
        ask(llm, TEXTS)
    assert set(server.paid.values()) == {1}
    assert len(server.paid) == 6
    assert server.batches == 2


def test_a_batch_of_another_program_is_not_taken_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockBatchServer("anthropic") as server:
        # Another program submits a batch of the same size.
        with model(server, tmp_path / "other", monkeypatch) as llm:
            ask(llm, ["something else"])
        server.faults.drop_requests = 1
        with model(server, tmp_path, monkeypatch) as llm:
            [[draw]] = ask(llm, ["question"])
    assert draw.text
    assert sorted(server.paid.values()) == [1, 1]


@pytest.mark.parametrize("form", EACH)
def test_the_limit_of_enqueued_tokens_is_awaited(
    form: BatchForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{number} " + "word " * 100 for number in range(8)]
    faults = BatchFaults(enqueue_limit=500 if form == "openai" else 2000)
    with MockBatchServer(form, seconds=0.1, faults=faults) as server, model(server, tmp_path, monkeypatch) as llm:
        if form != "openai":
            # They say nothing about the limit, so a batch waits until the one before has ended.
            ask(llm, texts)
            ask(llm, [text + "again" for text in texts])
        else:
            assert len(ask(llm, texts)) == 8
            assert server.batches >= 3
            with pytest.raises(CallFailed, match="longer than the limit"):
                ask(llm, ["word " * 1000])
    assert set(server.paid.values()) == {1}


def test_a_batch_that_expired_without_files_is_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockBatchServer(faults=BatchFaults(no_files=2)) as server, model(server, tmp_path, monkeypatch) as llm:
        ask(llm, TEXTS)
    assert server.batches == 3
    assert set(server.paid.values()) == {1}


@pytest.mark.parametrize("form", FORMS)
def test_a_line_that_always_fails_is_given_up(form: BatchForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockBatchServer(form, faults=BatchFaults(fail=1)) as server, model(server, tmp_path, monkeypatch) as llm:
        with pytest.raises(CallFailed, match=f"has failed in {ATTEMPTS} batches"):
            ask(llm, ["question"])
        assert server.batches == ATTEMPTS
        assert llm.budget.spent.calls == 0
        server.faults.fail = 0
        # The same command tries it again.
        with model(server, tmp_path, monkeypatch) as again:
            assert ask(again, ["question"])


@pytest.mark.parametrize("form", EACH)
def test_a_refused_line_is_an_error_of_its_call_alone(
    form: BatchForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = BatchFaults(refuse=lambda prompt: "prompt is too long: maximum context length" if "long" in prompt else "")
    with MockBatchServer(form, faults=faults) as server, model(server, tmp_path, monkeypatch) as llm:
        with pytest.raises(ContextOverflow):
            ask(llm, ["question", "long"])
        assert ask(llm, ["question"])[0][0].text
        assert server.batches == 1


@pytest.mark.parametrize("form", EACH)
def test_structured_replies_and_stops_are_asked_for(
    form: BatchForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "number"}}, "required": ["answer"]}
    settings = {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}
    problem = Problem("What is 2 + 2?", kinds.Number())
    with MockBatchServer(form, reply=lambda prompt, draw: '{"answer": 4}') as server:
        with model(server, tmp_path, monkeypatch, stop=["\n\n"], **settings) as llm:
            answer = get("vanilla").run(problem, llm)
        assert (answer.state, answer.value) == ("answered", 4)
        assert server.batches == 1


@pytest.mark.parametrize("form", EACH)
def test_a_key_that_a_provider_quotes_is_not_shown(
    form: BatchForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = "secret-key-of-this-account"
    faults = BatchFaults(refuse=lambda prompt: f"no access with {key}")
    with MockBatchServer(form, faults=faults) as server:
        llm = model(server, tmp_path, monkeypatch, api_key=key)
        with llm, caplog.at_level("DEBUG"), pytest.raises(CallFailed, match="no access with") as failed:
            ask(llm, ["question"])
    assert key not in f"{failed.value!r} {failed.value} {caplog.text}"
    assert all(key.encode() not in file.read_bytes() for file in tmp_path.iterdir())


def test_a_refused_setting_is_left_out_in_the_next_wave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        MockBatchServer("anthropic") as server,
        model(server, tmp_path, monkeypatch, seed=3) as llm,
        pytest.warns(UserWarning, match="does not take seed"),
    ):
        answer = get("cot").run(Problem("What is 2 + 2?", kinds.Number()), llm)
    assert answer.state == "answered"
    assert llm.refused == ("seed",)
    assert server.batches == 1


def test_a_cancelled_batch_is_not_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockBatchServer(seconds=60) as server, model(server, tmp_path, monkeypatch) as llm:
        _cancel_when_submitted(server)
        with pytest.raises(CallFailed, match="was cancelled"):
            ask(llm, TEXTS)
        assert server.batches == 1
        assert not server.paid
    [batch] = BatchStore.next_to(tmp_path / "journal.sqlite").batches()
    assert batch.state == "cancelled"


def _cancel_when_submitted(server: MockBatchServer) -> None:
    import threading
    import urllib.request

    def cancel() -> None:
        while not server.batches:
            time.sleep(0.01)
        time.sleep(0.2)
        urllib.request.urlopen(
            urllib.request.Request(f"{server.base_url}/batches/batch_0/cancel", method="POST")
        ).read()

    threading.Thread(target=cancel, daemon=True).start()


@pytest.mark.parametrize("form", FORMS)
def test_another_process_awaits_a_batch_that_was_left(
    form: BatchForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reasoning import event_loop

    with MockBatchServer(form, seconds=1) as server:
        budget = Budget(calls=12)
        llm = model(server, tmp_path, monkeypatch, budget=budget)

        async def leave() -> None:
            request = llm.request(Conversation((Message("user", "question"),)), {"temperature": 1.0})
            task = asyncio.ensure_future(llm.draw(request, range(6)))
            # The server runs in another thread.
            while not server.batches:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            task.cancel()
            await llm.close()

        event_loop.run_sync(leave())
        # What was sent counts until its reply is there, and then once.
        assert budget.spent.calls == 6
        with model(server, tmp_path, monkeypatch, budget=budget) as later:
            # Fewer draws than the line has, then the others.
            assert len(ask(later, ["question"], 2)[0]) == 2
            assert len(ask(later, ["question"], 6)[0]) == 6
    assert server.batches == 1
    assert set(server.paid.values()) == {1}
    # A line of six draws of which two are asked for first counts in addition to them: never too little.
    assert budget.spent.calls == (6 if form in HOSTED else 12)


class Killed(BaseException):
    """The process has ended, as far as a test is concerned."""


def _die_at(place: int, killed: asyncio.Event, write: Any) -> Any:
    """Return `BatchStore.write` that ends the process before (even places) or after (odd ones) a commit."""
    writes = 0

    @contextmanager
    def dying(self: BatchStore) -> Iterator[Any]:
        nonlocal writes
        writes += 1
        if killed.is_set():
            raise Killed
        with write(self) as db:
            yield db
            if place == 2 * writes:
                killed.set()
                raise Killed
        if place == 2 * writes + 1:
            killed.set()
            raise Killed

    return dying


@pytest.mark.parametrize("form", ["openai", pytest.param("anthropic", marks=pytest.mark.long)])
def test_a_kill_at_any_write_pays_no_line_twice(
    form: BatchForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, places = BatchStore.write, 0
    monkeypatch.setattr("reasoning.providers.batch.client._FORGET_SECONDS", 0.01)
    for place in range(2, 40):
        with MockBatchServer(form, faults=BatchFaults(fail=0.1, seed=place)) as server:
            if form in HOSTED:
                monkeypatch.setenv(HOSTED[form][1], server.base_url)
            folder, recorded = tmp_path / str(place), dict[tuple[str, int], str]()
            killed = asyncio.Event()
            monkeypatch.setattr(BatchStore, "write", _die_at(place, killed, write))
            asyncio.run(_buy(form, server, folder, recorded, killed))
            monkeypatch.setattr(BatchStore, "write", write)
            was_killed = killed.is_set()
            asyncio.run(_buy(form, server, folder, recorded, asyncio.Event()))
            assert (len(recorded), sorted(server.paid.values())) == (4, [1] * 4), place
            places += was_killed
            if not was_killed:
                break
    # The intent, the provider's id, the results, the end and what is collected, at least.
    assert places >= 10


async def _buy(
    form: BatchForm, server: MockBatchServer, folder: Path, recorded: dict[tuple[str, int], str], killed: asyncio.Event
) -> None:
    """Buy four draws as the engine does, until the process is killed."""
    from reasoning.engine.service_tiers import batch_api
    from reasoning.providers.client import Client
    from reasoning.providers.litellm_client import LiteLLMClient
    from reasoning.providers.openai_client import OpenAIClient

    single: Client = LiteLLMClient(HOSTED[form][0]) if form in HOSTED else OpenAIClient("mock", server.base_url)
    client = BatchClient(batch_api(single), BatchStore.next_to(folder / "journal.sqlite"), PACE)

    async def buy(number: int) -> None:
        request = Request(client.model, (Message("user", f"question {number}"),), {"max_tokens": 9}, client.endpoint)
        while (request.key, 0) not in recorded:
            try:
                [completion] = await client.complete(request, [0])
            except CallFailed as error:
                if not error.retryable:
                    raise
                continue
            if killed.is_set():
                return
            recorded[request.key, 0] = completion.text
            client.on_recorded(request, [0])

    tasks = [asyncio.ensure_future(buy(number)) for number in range(4)]
    every = asyncio.ensure_future(asyncio.gather(*tasks, return_exceptions=True))  # type: ignore[arg-type]
    end = asyncio.ensure_future(killed.wait())
    await asyncio.wait([every, end], return_when=asyncio.FIRST_COMPLETED, timeout=20)
    # Let the replies that have come be collected.
    await asyncio.sleep(0.05)
    for task in [*tasks, end]:
        task.cancel()
    errors = [one for one in await every if isinstance(one, Exception)]
    assert not errors
    await client.api.close()


def start(form: str, server: MockBatchServer, folder: Path, limit: int, calls: int | str, specs: Sequence[str]) -> Any:
    """Start a comparison as a process."""
    values = [form, server.base_url, str(folder), str(limit), str(calls), ", ".join(specs)]
    command = [sys.executable, "-m", "tests.providers.batch_run", *values]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_at_random(start_it: Callable[[], Any], server: MockBatchServer, kills: int, seed: int) -> None:
    """Start processes, and kill each at a random moment after a batch is under way."""
    moments = random.Random(seed)
    for _ in range(kills):
        process, before = start_it(), server.batches
        until = time.monotonic() + 15
        while server.batches == before and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
            if before and moments.random() < 0.01:
                break
        time.sleep(moments.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("form", ["openai"])
def test_killed_processes_buy_exactly_the_budget(form: BatchForm, tmp_path: Path) -> None:
    with MockBatchServer(form, seconds=0.2, faults=BatchFaults(expire=0.1, fail=0.05, lose=0.02)) as server:

        def begin() -> Any:
            return start(form, server, tmp_path, 6, 20, SPECS)

        kill_at_random(begin, server, 1, seed=1)
        _, errors = begin().communicate(timeout=60)
        bought = Spending.read(tmp_path / "out" / "spending.jsonl", lambda usage: 0.0).total().calls
    assert not errors
    assert set(server.paid.values()) == {1}
    # Draws of one line count one by one.
    assert bought == 20
    if form in HOSTED:
        assert len(server.paid) == 20


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
@pytest.mark.parametrize("form", ["anthropic", "gemini", "mistral"])
def test_kills_in_the_other_forms(form: BatchForm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test_a_kill_at_any_write_pays_no_line_twice(form, tmp_path / "writes", monkeypatch)
    test_killed_processes_buy_exactly_the_budget(form, tmp_path / "budget")


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
@pytest.mark.parametrize("form", EACH)
def test_ten_techniques_survive_twenty_kills(form: BatchForm, tmp_path: Path) -> None:
    specs = [
        *("vanilla", "cot", "self_consistency(cot, samples=5)", "least_to_most", "plan_and_solve", "thread_of_thought"),
        *("metacognitive", "chain_of_verification", "universal_self_consistency(cot, samples=3)", "contrastive_cot"),
    ]
    with MockBatchServer(form, seconds=0.3, faults=BatchFaults(expire=0.1, fail=0.05, lose=0.02)) as server:

        def begin() -> Any:
            return start(form, server, tmp_path, PROBLEMS, "-", specs)

        kill_at_random(begin, server, 20, seed=2)
        out, errors = begin().communicate(timeout=900)
    assert out == f"{len(specs) * PROBLEMS} 0\n", errors
    assert set(server.paid.values()) == {1}
    # No answer is made of an error: every recorded text is one that the provider has sampled.
    with sqlite3.connect(tmp_path / "journal.sqlite") as journal:
        texts = [text for (text,) in journal.execute("SELECT text FROM draws")]
    assert all(re.fullmatch(r"Draw \d+\. The answer is [0-3]\.", text) for text in texts)
    print(f"{form}: {server.batches} batches, {len(server.paid)} lines, {len(texts)} draws")  # noqa: T201 - shown by -s


def test_a_batch_that_cannot_be_read_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockBatchServer() as server, model(server, tmp_path, monkeypatch, budget=Budget(calls=9)) as llm:
        original = OpenAIBatches.status

        async def unknown(self: OpenAIBatches, batch: str) -> Any:
            return await original(self, "batch_99")

        monkeypatch.setattr(OpenAIBatches, "status", unknown)
        wanted = "the same command fetches its replies, unless .* `reasoning batch cancel 1 --forget` gives it up"
        with pytest.raises(ReplyPending, match=wanted):
            ask(llm, ["question"])
        # It is paid, so it counts.
        assert llm.budget.spent.calls == 1
        monkeypatch.setattr(OpenAIBatches, "status", original)
        time.sleep(1.1)
        assert ask(llm, ["question"])
        assert llm.budget.spent.calls == 1
        assert server.batches == 1


class Described:
    """The HTTP requests of an API, of which each returns the same description."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    async def json(self, *_: Any, **__: Any) -> dict[str, Any]:
        return self.data


GEMINI_STATES = [
    ({"metadata": {"state": "BATCH_STATE_PENDING"}}, (False, False, "")),
    ({"metadata": {"state": "BATCH_STATE_RUNNING"}}, (False, False, "")),
    ({"metadata": {"state": "JOB_STATE_SUCCEEDED"}, "done": True}, (True, False, "")),
    ({"metadata": {"state": "BATCH_STATE_CANCELLED"}}, (True, True, "")),
    ({"metadata": {"state": "BATCH_STATE_EXPIRED"}}, (True, False, "")),
    ({"metadata": {"state": "BATCH_STATE_FAILED"}, "error": {"code": 3, "message": "bad"}}, (True, False, "bad")),
    # The provider's own failure, and one after some lines: the lines without a result are asked for again.
    ({"metadata": {"state": "BATCH_STATE_FAILED"}, "error": {"code": 13, "message": "bad"}}, (True, False, "")),
    (
        {"metadata": {"state": "BATCH_STATE_FAILED", "batchStats": {"successfulRequestCount": "2"}}, "error": {}},
        (True, False, ""),
    ),
    ({"metadata": None}, (False, False, "")),
    ({}, (False, False, "")),
]
MISTRAL_STATES = [
    ({"status": "QUEUED"}, (False, False, "")),
    ({"status": "CANCELLATION_REQUESTED"}, (False, False, "")),
    ({"status": "SUCCESS", "output_file": "f"}, (True, False, "")),
    ({"status": "TIMEOUT_EXCEEDED"}, (True, False, "")),
    ({"status": "CANCELLED"}, (True, True, "")),
    ({"status": "FAILED", "errors": [{"message": "no such model", "count": 3}]}, (True, False, "no such model")),
    ({"status": "FAILED", "error_file": "f", "errors": None}, (True, False, "")),
    ({}, (False, False, "")),
]


@pytest.mark.parametrize(
    ("form", "data", "wanted"),
    [("gemini", *state) for state in GEMINI_STATES] + [("mistral", *state) for state in MISTRAL_STATES],
)
def test_the_states_of_a_batch(form: str, data: dict[str, Any], wanted: tuple[bool, bool, str]) -> None:
    from reasoning.engine.service_tiers import batch_api
    from reasoning.providers.litellm_client import LiteLLMClient

    api: Any = batch_api(LiteLLMClient(HOSTED[form][0]))
    api._http = Described(data)
    status = asyncio.run(api.status("batch_0"))
    assert (status.ended, status.cancelled, status.refusal) == wanted


def test_a_name_of_another_place_is_no_file_of_results() -> None:
    from reasoning.engine.service_tiers import batch_api
    from reasoning.providers.litellm_client import LiteLLMClient

    async def read(form: str, data: dict[str, Any]) -> None:
        api: Any = batch_api(LiteLLMClient(HOSTED[form][0]))
        api._http = Described(data)
        async for _ in api.results("batch_0", await api.status("batch_0")):
            raise AssertionError

    for form, data in (
        ("gemini", {"metadata": {"state": "BATCH_STATE_SUCCEEDED", "output": {"responsesFile": "files/../keys"}}}),
        ("gemini", {"metadata": {"state": "BATCH_STATE_SUCCEEDED", "output": {"responsesFile": "https://x.example"}}}),
        ("mistral", {"status": "SUCCESS", "output_file": "../keys"}),
    ):
        with pytest.raises(CallFailed, match="description of a batch must have"):
            asyncio.run(read(form, data))


@pytest.mark.parametrize("address", ["https://other.example/upload?upload_id=1", "", "http://127.0.0.1:1/upload"])
def test_a_file_is_uploaded_only_to_the_address_that_has_the_key(address: str) -> None:
    from reasoning.providers.batch.gemini_files import upload

    class Elsewhere(Described):
        async def header(self, *_: Any) -> str:
            return address

        async def json(self, *_: Any, **__: Any) -> dict[str, Any]:
            raise AssertionError

    http: Any = Elsewhere({})
    with pytest.raises(CallFailed, match="must name an address of its own"):
        asyncio.run(upload(http, "https://generativelanguage.googleapis.com", "label", b"{}"))


def test_waves_are_divided_by_lines_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenAIBatches, "limits", BatchLimits(lines=4, bytes=1_000_000))
    with MockBatchServer() as server, model(server, tmp_path, monkeypatch) as llm:
        ask(llm, TEXTS)
        assert [len(ids) for ids in server.submitted] == [4, 2]
        monkeypatch.setattr(OpenAIBatches, "limits", BatchLimits(lines=100, bytes=1000))
        ask(llm, ["x" * 600 + text for text in TEXTS])
        assert [len(ids) for ids in server.submitted[2:]] in ([1] * 6, [2, *[1] * 4])


def test_a_file_of_batches_that_cannot_be_written_stops_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_path(tmp_path / "journal.sqlite").mkdir()
    with MockBatchServer() as server, pytest.raises(JournalError, match="the file of batches cannot be used"):
        model(server, tmp_path, monkeypatch)
    store_path(tmp_path / "other.sqlite").write_bytes(b"no database" * 99)
    with pytest.raises(JournalError, match=r"file is not a database; .* If it is damaged, move it away"):
        BatchStore.next_to(tmp_path / "other.sqlite")


def test_what_has_no_batches_says_so(tmp_path: Path) -> None:
    for name in ("local", "replay:x.jsonl", "groq/llama3"):
        with pytest.raises(UsageError, match="cannot be called in batches"):
            connect(name, batch=True, journal=tmp_path / "journal.sqlite")
    with pytest.raises(UsageError, match="need a journal in a file"):
        connect("openai/gpt-4o-mini", batch=True, journal=False)
    with pytest.raises(UsageError, match="exclude each other"):
        connect("openai/gpt-4o-mini", batch=True, flex=True)
    with pytest.raises(UsageError, match="no flex tier"):
        connect("openai/gpt-4o-mini", flex=True)


def test_prices_are_those_of_the_tier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    usage = Usage(1, 1_000_000, 1_000_000)
    standard = connect("openai/gpt-4o-mini", journal=False).price(usage)
    halved = connect("openai/gpt-4o-mini", batch=True, journal=tmp_path / "journal.sqlite").price(usage)
    assert standard
    assert halved
    assert halved == pytest.approx(standard / 2)
    # A price of batches that is not known is at most the standard price.
    unknown, full = (
        price_table("openai/computer-use-preview", tier="batches"),
        price_table("openai/computer-use-preview"),
    )
    assert unknown
    assert full
    assert unknown.usd(usage) == full.usd(usage)
    assert not unknown.has_tier
    assert unknown.version.endswith("standard price")
    with pytest.raises(PriceUnknown):
        connect(
            "mock", base_url="http://example.com/v1", batch=True, budget=Budget(usd=1), journal=tmp_path / "j.sqlite"
        )


def test_a_named_call_counts_once_in_a_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "spending.jsonl", lambda usage: None)
    worst = Usage(2, 10, 20)
    ledger.account("cot", "1").begin(worst, "line")
    ledger.account("cot", "1").begin(worst)
    ledger.close()
    ledger = Ledger(tmp_path / "spending.jsonl", lambda usage: None)
    assert ledger.before.total().calls == 4
    assert ledger.before.carried("cot") == {"line": worst}
    account = ledger.account("vanilla", "1")
    account.end(account.begin(worst, "line"), Usage(2, 5, 5))
    ledger.close()
    spending = Spending.read(tmp_path / "spending.jsonl", lambda usage: None)
    assert spending.total() == Usage(4, 15, 25)
    assert not spending.carried()


def test_a_carried_call_needs_no_room_and_another_does() -> None:
    request = Request("mock", (Message("user", "x"),), {"max_tokens": 5})
    budget = Budget(calls=2).resumed(Usage(2), Budget().learned_bounds, {"line": Usage(1)})

    async def reserve() -> None:
        with pytest.raises(BudgetExhausted):
            await budget.reserve(request, 1, lambda usage: 0.0, "other")
        reservation = await budget.reserve(request, 1, lambda usage: 0.0, "line")
        assert budget.spent.calls == 1
        reservation.begin()
        reservation.settle(Usage(1, 1, 1))
        assert budget.spent.calls == 2

    asyncio.run(reserve())


def test_a_missing_key_is_said_before_anything_is_submitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with (
        connect(HAIKU, batch=PACE, journal=tmp_path / "journal.sqlite") as llm,
        pytest.raises(AuthenticationFailed, match="ANTHROPIC_API_KEY"),
    ):
        ask(llm, ["question"])
    assert BatchStore.next_to(tmp_path / "journal.sqlite").batches() == []


def test_the_display_says_what_is_awaited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reasoning import event_loop
    from reasoning.cli.progress import describe_waiting

    with MockBatchServer(seconds=0.5) as server, model(server, tmp_path, monkeypatch) as llm:

        async def look() -> str:
            request = llm.request(Conversation((Message("user", "question"),)), {})
            task = asyncio.ensure_future(llm.draw(request, [0]))
            seen = ""
            while not task.done():
                await asyncio.sleep(0.02)
                seen = max(seen, describe_waiting(llm), key=lambda text: ("0 of 1" in text, text))
            return seen

        assert re.fullmatch(r" · batch batch_0: 0 of 1 lines, since \d\d:\d\d \(\d s\)", event_loop.run_sync(look()))


def test_siblings_are_called_in_batches_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockBatchServer() as server, model(server, tmp_path, monkeypatch) as llm:
        other = llm.sibling("larger")
        assert isinstance(other.client, BatchClient)
        assert ask(other, ["question"])
        assert server.batches == 1
    assert BatchPace().quiet == 10


def test_lines_of_a_batch_are_json(tmp_path: Path) -> None:
    from reasoning.providers.openai_client import OpenAIClient

    api = OpenAIBatches(OpenAIClient("mock", "http://example.com/v1"))
    request = Request("mock", (Message("user", "é\ud800\n"),), {"max_tokens": 1})
    body = json.dumps(api.body(request, [4])).encode()
    line = json.loads(api.line("id-1", body, request))
    assert line["custom_id"] == "id-1"
    assert line["url"] == "/v1/chat/completions"
    assert line["body"]["max_tokens"] == 1


def test_flex_is_asked_for_and_a_busy_tier_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from reasoning.providers.openai_client import OpenAIClient

    sent: list[dict[str, Any]] = []
    choice = {"message": {"role": "assistant", "content": "The answer is 4."}, "finish_reason": "stop"}

    async def send(self: OpenAIClient, path: str, body: dict[str, Any]) -> Any:
        sent.append(body)
        if len(sent) == 1:
            text = json.dumps({"error": {"message": "Resource unavailable", "code": "resource_unavailable"}})
            raise self._errors.from_response(429, text, {}, body)
        if len(sent) == 3:
            text = json.dumps(
                {"error": {"message": "unknown parameter", "param": "service_tier", "code": "unknown_parameter"}}
            )
            raise self._errors.from_response(400, text, {}, body)
        return {"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}, {}

    monkeypatch.setattr(OpenAIClient, "_send", send)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    with connect("openai/gpt-5-mini", flex=True, journal=False) as llm:
        [[draw]] = ask(llm, ["question"])
        standard = price_table("openai/gpt-5-mini")
        assert draw.usage.usd
        assert standard
        assert draw.usage.usd < standard.usd(draw.usage)
        # The tier is no part of the key.
        single = connect("openai/gpt-5-mini", journal=False)
        turns = Conversation((Message("user", "question"),))
        assert single.request(turns, {}).key == llm.request(turns, {}).key
        with pytest.raises(UsageError, match="has no flex tier"):
            ask(llm, ["another"])
    assert [body["service_tier"] for body in sent] == ["flex"] * 3
    assert llm.client._timeout == 900  # type: ignore[attr-defined]


def test_a_server_that_never_answers_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {"base_url": "http://127.0.0.1:1/v1", "batch": PACE}
    with connect("mock", journal=tmp_path / "journal.sqlite", **settings) as llm:
        with pytest.raises(CallFailed, match=r"nothing answers at .*is the server running"):
            ask(llm, ["question"])
        assert llm.budget.spent.calls == 0
    with MockBatchServer("anthropic") as server:
        settings["base_url"] = f"{server.base_url}/v1"
        with (
            connect("mock", journal=tmp_path / "other.sqlite", **settings) as llm,
            pytest.raises(CallFailed, match="does this server have a batch API"),
        ):
            ask(llm, ["question"])
    for name in ("journal.sqlite", "other.sqlite"):
        assert BatchStore.next_to(tmp_path / name).batches() == []
