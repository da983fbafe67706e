"""Several servers of one model, with real servers on loopback."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import reasoning as r
from reasoning import event_loop
from reasoning.engine import server_admission
from reasoning.engine.limit_settings import LimitSettings
from reasoning.engine.llm import LLM
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.engine.server_admission import BEGINNING
from reasoning.engine.server_pool import LOOKAHEAD, ServerPool
from reasoning.errors import UsageError
from reasoning.messages import Conversation, Message, Request
from reasoning.providers.openai_client import OpenAIClient
from tests.faults.server import Fault, Server, always, by_place, none

PROBLEMS = [r.Problem(f"How many are {k} and {k}?", r.kinds.Number()) for k in range(40)]


@contextmanager
def servers(*faults: Fault, **settings: Any) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Server(fault, say=by_place, **settings)) for fault in faults]


def connected(running: Sequence[Server | str], **settings: Any) -> LLM:
    urls = [one if isinstance(one, str) else one.url for one in running]
    return r.connect("m", base_url=urls, journal=settings.pop("journal", False), **settings)


def solve(llm: LLM, spec: str = "vanilla", problems: Sequence[r.Problem] = PROBLEMS) -> list[Any]:
    answers = r.strategies.get(spec).map(problems, llm)
    assert all(answer.state == "answered" for answer in answers), answers[0]
    return [answer.value for answer in answers]


def closed_port() -> str:
    with Server() as gone:
        return gone.url


def test_every_server_works_and_equal_beginnings_go_to_one_server() -> None:
    with servers(none, none, none) as running, connected(running, concurrency=8) as llm:
        for _ in range(3):  # one request at a time, so that no server is loaded
            for problem in PROBLEMS[:30]:
                solve(llm, "cot", [problem])
                llm = llm.within(llm.budget, r.Journal())  # nothing is known: everything is asked again
        asked = [{one.prompt for one in server.asked} for server in running]
        assert all(asked)
        assert sum(map(len, asked)) == len(set.union(*asked))
        assert sum(len(server.asked) for server in running) == 90
        assert [use.requests for use in llm.server_uses] == [len(server.asked) for server in running]
        assert sum(use.taken_over for use in llm.server_uses) == 0


def test_a_long_document_chooses_the_server_whatever_is_asked_about_it() -> None:
    with servers(none, none, none, none) as running, connected(running) as llm:
        documents = [f"Document {k}. " + "word " * (BEGINNING // 4) for k in range(8)]
        for question in ("Who?", "Where?", "When?"):
            for document in documents:
                turns = (Message("system", "Be brief."), Message("user", f"{document} {question}"))
                request = llm.request(Conversation(turns), {})
                event_loop.run_sync(llm.draw(request, [0]))
        for server in running:
            by_document = [one.prompt.split(" word")[0] for one in server.asked]
            assert all(by_document.count(name) == 3 for name in by_document)


def test_load_is_shared_though_all_prompts_begin_alike() -> None:
    same = "word " * BEGINNING
    problems = [r.Problem(f"{same} {k} + {k}?", r.kinds.Number()) for k in range(64)]
    with servers(none, none, none, none, latency=0.05) as running, connected(running, concurrency=8) as llm:
        solve(llm, problems=problems)
        assert [server.peak for server in running] == [8] * 4
        assert sum(use.taken_over for use in llm.server_uses) >= 40


def test_requests_that_begin_alike_meet_at_one_server_although_all_are_busy() -> None:
    # Each draw is a request of its own, so that five requests begin alike.
    settings: dict[str, Any] = {"latency": 0.01, "n": "ignored"}
    with servers(none, none, none, none, **settings) as running, connected(running, concurrency=4) as llm:
        solve(llm, "self_consistency(cot, samples=5)", PROBLEMS)
        asked = [Counter(one.prompt for one in server.asked) for server in running]
        assert [server.peak for server in running] == [4] * 4
        together = sum(max(one[prompt] for one in asked) for prompt in set().union(*asked))
        # By chance it would be near a half.
        assert together > 0.7 * 5 * len(PROBLEMS)


def test_each_server_has_the_limit() -> None:
    with servers(none, none, latency=0.02) as running, connected(running, concurrency=3) as llm:
        assert llm.limits.concurrency == LOOKAHEAD * 6
        solve(llm)
        assert max(server.peak for server in running) == 3


def test_requests_whose_callers_leave_while_they_wait_are_not_sent() -> None:
    with servers(none, none, latency=0.2) as running, connected(running, concurrency=1) as llm:

        async def scene() -> None:
            requests = [llm.request(Conversation((Message("user", f"{k}?"),)), {}) for k in range(6)]
            calls = [asyncio.create_task(llm.draw(request, [0])) for request in requests]
            while sum(len(server.asked) for server in running) < 2:  # noqa: ASYNC110 - in other threads
                await asyncio.sleep(0.01)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            await llm.finish_calls()
            await asyncio.sleep(0.05)

        event_loop.run_sync(scene())
        assert sum(len(server.asked) for server in running) == 2


def test_draws_do_not_depend_on_the_servers(tmp_path: Path) -> None:
    with servers(none, none, none) as running:
        with connected(running, journal=tmp_path / "j") as llm:
            values = solve(llm, "self_consistency(cot, samples=3)")
        bought = sum(server.completions for server in running)
        # One server, then the same with another one: everything is known.
        for urls in ([running[0].url], [running[0].url, running[2].url]):
            with r.connect("m", base_url=urls, journal=tmp_path / "j") as llm:
                assert solve(llm, "self_consistency(cot, samples=3)") == values
        assert sum(server.completions for server in running) == bought
        with connected(running[:1], journal=False) as llm:
            key = llm.request(Conversation((Message("user", "Hi"),)), {}).key
        with connected(running, journal=False) as llm:
            assert llm.request(Conversation((Message("user", "Hi"),)), {}).key == key


def test_a_retry_goes_to_another_server_than_the_one_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_admission, "_AVOIDED", 60.0)
    with servers(none, always("500"), none) as running, connected(running, concurrency=8) as llm:
        solve(llm)
        # At most those that were under way at its first failure.
        assert llm.server_uses[1].requests <= 8


@pytest.mark.parametrize("fault", ["503", "429", "reset", "hang"])
def test_another_server_takes_the_requests_of_one_that_fails(fault: str) -> None:
    with servers(none, always(fault), none, latency=0.002) as running:
        with connected(running, timeout=0.3, concurrency=8) as llm:
            solve(llm)
            uses = llm.server_uses
        assert [use.failed > 0 for use in uses] == [False, True, False]
        assert uses[1].usage.calls == 0
        assert sum(use.usage.calls for use in uses) == len(PROBLEMS)
        if fault in ("reset", "hang"):
            assert uses[1].state.startswith("down")
            assert "1 of 3 servers down" in llm.client.describe_waiting()
            # It was left out at once, and not tried for each problem.
            assert uses[1].requests <= 16


def test_a_server_that_is_not_there_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with servers(none) as running, connected([closed_port(), running[0]]) as llm:
        solve(llm)
        assert [use.usage.calls for use in llm.server_uses] == [0, len(PROBLEMS)]
        assert "down: no connection" in llm.server_uses[0].state


def test_no_server_at_all_fails_at_once() -> None:
    began = time.monotonic()
    with connected([closed_port(), closed_port()]) as llm:
        answer = r.strategies.get("vanilla").run("?", llm)
    assert answer.state == "failed"
    assert "is the server running?" in answer.reason
    assert time.monotonic() - began < 30


def test_a_server_that_dies_loses_nothing_and_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with servers(none, latency=0.01) as running, ExitStack() as stack:
        first_life = Server(say=by_place)
        with first_life:
            llm = stack.enter_context(connected([*running, first_life], concurrency=4))
            solve(llm, problems=PROBLEMS[:20])
            assert first_life.asked
        solve(llm, problems=PROBLEMS[20:])
        assert "down" in llm.server_uses[1].state
        RateLimiter.shared(first_life.url, "m").circuit.probe_interval = 0.0
        monkeypatch.setattr(server_admission, "_AVOIDED", 0.0)
        with Server(say=by_place, port=first_life.port) as second_life:
            solve(llm.within(llm.budget, r.Journal()))
            assert second_life.asked
            assert llm.server_uses[1].state == "up"


def test_an_error_of_the_request_stays_with_it() -> None:
    with servers(always("400"), always("400")) as running, connected(running) as llm:
        assert r.strategies.get("vanilla").run("?", llm).state == "failed"
        assert sum(len(server.asked) for server in running) == 1


def test_the_address_of_another_server_than_the_first_is_corrected_without_a_new_key() -> None:
    gone = closed_port()

    async def models(request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "m"}]})

    async def chat(request: web.Request) -> web.Response:
        usage = {"prompt_tokens": 1, "completion_tokens": 1}
        return web.json_response({"choices": [{"message": {"content": "4"}, "finish_reason": "stop"}], "usage": usage})

    async def scene() -> None:
        app = web.Application()
        app.router.add_get("/v1/models", models)
        app.router.add_post("/v1/chat/completions", chat)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        # The first server is down, so that the second gets the request.
        pool = ServerPool([OpenAIClient("m", url) for url in (gone, address)], LimitSettings())
        request = Request("m", (Message("user", "?"),), {"max_tokens": 5}, pool.endpoint)
        with pytest.warns(UserWarning, match="the server's API is at"):
            assert [one.text for one in await pool.complete(request, [0])] == ["4"]
        await pool.close()
        await runner.cleanup()

    asyncio.run(scene())


def test_another_model_of_the_servers_has_limits_of_its_own() -> None:
    with servers(none, none) as running, connected(running, concurrency=2) as llm:
        other = llm.sibling("m2")
        assert other.client.endpoint == llm.client.endpoint
        assert other.limits is not llm.limits
        solve(other)
        assert sum(use.requests for use in llm.server_uses) == len(PROBLEMS)
        assert max(server.peak for server in running) <= 2


@pytest.mark.parametrize(
    ("urls", "more", "message"),
    [
        ([], {}, "an address or a list of addresses"),
        (["http://a:1/v1", 3], {}, "an address or a list of addresses"),
        (["http://a:1/v1", "http://a:1/v1/"], {}, "name each server once"),
        (["http://a:1/v1", "https://api.openai.com/v1"], {}, "servers of your own"),
        (["http://a:1/v1", "http://b:1/v1"], {"batch": True}, "batch needs one base_url"),
        (["http://a:1/v1", "http://b:1/v1"], {"flex": True}, "flex needs one base_url"),
    ],
)
def test_wrong_addresses(urls: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        r.connect("m", base_url=urls, journal=False, **more)


def test_a_shard_has_its_part_of_the_limits_of_each_server() -> None:
    class Owner:
        pass

    with connected(["http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"], concurrency=8) as llm:
        assert llm.given_limits == LimitSettings(8)
        owner = Owner()
        llm.apply_limits(owner, LimitSettings(2, requests_per_minute=60))
        limits = RateLimiter.shared("http://127.0.0.1:2/v1", "m")
        assert (limits.concurrency, limits.requests_per_minute) == (2, 60)
        assert (llm.limits.concurrency, llm.limits.requests_per_minute) == (LOOKAHEAD * 4, 120)
        llm.remove_limits(owner)
        assert (limits.concurrency, llm.concurrency) == (8, 8)
