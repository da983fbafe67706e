"""Settings that a server refuses: learned from its error, left out from then on, and never recorded as sent."""

from __future__ import annotations

import asyncio
import itertools
import json
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import reasoning
from reasoning import Budget, Journal, event_loop, strategies
from reasoning.benchmarks import compare
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.rescore import rescore
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.engine.llm import LLM
from reasoning.errors import SettingRefused
from reasoning.journal.exporting import export_draws
from reasoning.messages import Conversation, Message

RENAMED = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


@pytest.fixture(autouse=True)
def no_file_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REASONING_MODELS", raising=False)
    monkeypatch.setenv("REASONING_HOME", str(tmp_path))


class Picky:
    """A server that refuses settings as OpenAI does, and whose every completion is another one."""

    def __init__(self, *refuses: str) -> None:
        self.refuses, self.bodies, self.numbers = refuses, list[dict[str, Any]](), itertools.count(1)
        self.sold = Counter[str]()

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        await asyncio.sleep(0.002)
        for name in self.refuses:
            if name in body:
                message = RENAMED if name == "max_tokens" else f"Unsupported parameter: '{name}' is not supported."
                error = {"message": message, "param": name, "code": "unsupported_parameter"}
                return web.json_response({"error": error}, status=400)
        self.sold[body["messages"][-1]["content"]] += body.get("n", 1)
        choices = [
            {
                "message": {"role": "assistant", "content": f"Draw {next(self.numbers)}. The answer is 4."},
                "finish_reason": "stop",
            }
            for _ in range(body.get("n", 1))
        ]
        return web.json_response({"choices": choices, "usage": {"prompt_tokens": 9, "completion_tokens": 5}})


@contextmanager
def connected(picky: Picky, **given: Any) -> Iterator[LLM]:
    """The model of a server in the library's own event loop."""

    async def start() -> tuple[web.AppRunner, str]:
        app = web.Application()
        app.router.add_route("*", "/v1/chat/completions", picky.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"

    runner, url = event_loop.run_sync(start())
    try:
        with reasoning.connect("m", base_url=url, **{"journal": False, **given}) as llm:
            yield llm
    finally:
        event_loop.run_sync(runner.cleanup())


def recorded(path: Path, out: Path) -> list[dict[str, Any]]:
    export_draws(path, out)
    return [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.parametrize("spec", ["cot", "self_consistency(cot, samples=4)", "least_to_most", "chain_of_verification"])
def test_a_refused_setting_is_left_out_from_then_on_and_the_key_says_what_was_sent(spec: str, tmp_path: Path) -> None:
    picky, budget, journal = Picky("max_tokens", "temperature"), Budget(calls=500), tmp_path / "journal.sqlite"
    with (
        connected(picky, journal=journal, budget=budget) as llm,
        pytest.warns(UserWarning, match="m does not take (temperature|max_tokens)") as noted,
    ):
        answers = strategies.get(spec).map([f"{k} + 2?" for k in range(6)], llm)
    assert all(answer.state == "answered" for answer in answers), answers[0].reason
    assert len(noted) == 2  # each once
    assert llm.refused == ("max_tokens", "temperature")
    paid = sum(answer.usage.calls for answer in answers)
    # Nothing was bought twice: what the server sold is what the answers used, and what the budget counts.
    assert paid == budget.spent.calls == picky.sold.total()
    draws = recorded(journal, tmp_path / "draws.jsonl")
    assert len(draws) == paid
    for draw in draws:
        sampling = draw["request"]["sampling"]
        assert "temperature" not in sampling
        assert "max_tokens" not in sampling
        assert sampling["max_completion_tokens"]
    trace = answers[0].trace
    assert trace is not None
    if spec.startswith("self_consistency"):  # the technique itself asks for a temperature
        assert "left out, since m does not take it: temperature" in str(trace.events)


def test_the_next_run_gets_the_recorded_draws_after_one_free_refusal(tmp_path: Path) -> None:
    picky, journal = Picky("temperature"), tmp_path / "journal.sqlite"
    texts = list[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with connected(picky) as shared:
            url = shared.client.endpoint
            for _ in range(2):
                with reasoning.connect("m", base_url=url, journal=Journal.open(journal)) as llm:
                    answer = strategies.get("self_consistency(cot, samples=3)").run("2 + 2?", llm)
                    texts.append(answer.text)
                    assert answer.usage.calls == 3
    assert texts[0] == texts[1]
    assert picky.sold.total() == 3


def test_equal_prompts_of_one_solve_stay_different_draws() -> None:
    picky = Picky("temperature")

    async def twice(llm: LLM) -> list[str]:
        from reasoning.session import Session
        from reasoning.trace import Trace

        session = Session(llm, Trace("t"))
        # Both become the same request, so that the second must be the next draw of it.
        first = await session.ask("why?", temperature=0.0)
        second = await session.ask("why?", temperature=0.7)
        third, fourth = await session.sample("why?", 2, temperature=0.3)
        return [first.text, second.text, third.text, fourth.text]

    with connected(picky) as llm, pytest.warns(UserWarning, match="does not take temperature"):
        texts = event_loop.run_sync(twice(llm))
    assert len(set(texts)) == 4
    assert len([body for body in picky.bodies if "temperature" in body]) == 1


def test_a_field_of_one_server_is_left_out_too() -> None:
    picky = Picky("min_p")
    said = r'does not take extra_body.min_p: .* drop = \["extra_body.min_p"\] below \["m"\]'
    with connected(picky, extra_body={"min_p": 0.1}) as llm, pytest.warns(UserWarning, match=said):
        answer = strategies.get("cot").run("2 + 2?", llm)
    assert answer.state == "answered"
    assert "min_p" not in picky.bodies[-1]


def test_an_error_that_only_mentions_a_setting_names_the_line_that_leaves_it_out(tmp_path: Path) -> None:
    class Vague(Picky):
        async def answer(self, request: web.Request) -> web.Response:
            message = "`temperature` and `top_p` cannot both be specified for this model."
            return web.json_response({"error": {"message": message}}, status=400)

    with connected(Vague(), top_p=0.9) as llm:
        answer = strategies.get("cot").run("2 + 2?", llm)
    line = f'write drop = ["temperature"] below ["m"] in {tmp_path / "models.toml"}'
    assert answer.reason.endswith(f"; to leave temperature out, {line}")
    assert llm.refused == ()


def test_a_refused_system_turn_names_the_format_without_one() -> None:
    class NoSystem(Picky):
        async def answer(self, request: web.Request) -> web.Response:
            if any(turn["role"] == "system" for turn in (await request.json())["messages"]):
                return web.json_response({"error": {"message": "System role not supported"}}, status=400)
            return await super().answer(request)

    prompt = reasoning.Prompt(persona="You are terse.", input="{text}")
    with connected(NoSystem()) as llm:
        answer = reasoning.Chain(reasoning.Step("one", prompt)).run("2 + 2?", llm)
        assert "rendered(STRATEGY, turns='single')" in answer.reason
        single = reasoning.Chain(reasoning.Step("one", replace(prompt, turns="single"))).run("2 + 2?", llm)
        assert single.state == "answered"


def test_a_server_that_refuses_both_names_of_the_limit_is_told_once_and_not_asked_for_ever() -> None:
    picky = Picky("max_tokens", "max_completion_tokens")
    with connected(picky) as llm, pytest.warns(UserWarning, match="does not take max_tokens"):
        answer = strategies.get("cot").run("2 + 2?", llm)
    assert answer.state == "failed"
    assert len(picky.bodies) == 2


def test_a_request_of_ones_own_is_refused_with_the_settings_name() -> None:
    conversation = Conversation((Message("user", "why?"),))
    with connected(Picky("temperature")) as llm:
        request = llm.request(conversation, {})
        with pytest.warns(UserWarning, match="does not take temperature"), pytest.raises(SettingRefused) as caught:
            event_loop.run_sync(llm.draw(request, [0]))
        assert caught.value.setting == "temperature"
        assert "temperature" not in llm.request(conversation, {}).sampling


def test_a_results_folder_remembers_it_for_the_next_command_and_for_rescoring(tmp_path: Path) -> None:
    picky, folder = Picky("temperature"), tmp_path / "results"
    with connected(picky) as llm:
        with pytest.warns(UserWarning, match="does not take temperature"):
            compare(["cot"], "gsm_symbolic", llm, limit=2, out=folder, progress=False)
        url = llm.client.endpoint
        before = len(picky.bodies)
        with reasoning.connect("m", base_url=url, journal=False) as other:
            compare(["cot"], "gsm_symbolic", other, limit=4, out=folder, progress=False)
    assert not any("temperature" in body for body in picky.bodies[before:])
    assert picky.sold.total() == 4
    facts = ReportData.from_folder(ResultsFolder.read(folder)).facts
    assert facts["temperature"] == "0.0 (not sent: refused by the model)"
    assert facts["max_tokens"] == "1024"
    done = rescore(folder)
    assert (done.reread, done.skipped) == (4, ())


def test_what_a_user_writes_down_avoids_the_refusal(tmp_path: Path) -> None:
    picky = Picky("temperature", "max_tokens")
    table = '["m"]\ndrop = ["temperature"]\nrename = { max_tokens = "max_completion_tokens" }\n'
    (tmp_path / "models.toml").write_text(table)
    with connected(picky) as llm:
        assert strategies.get("cot").run("2 + 2?", llm).state == "answered"
    assert len(picky.bodies) == 1
