"""A key is sent to its server and is found nowhere else: in nothing that is printed, written or raised."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import traceback
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning import benchmarks
from reasoning.answer import Answer
from reasoning.errors import ReasoningError, UsageError
from reasoning.kinds import Number
from reasoning.problem import Example, Problem
from reasoning.secret_scan import find_key, mask_path
from reasoning.session import Session
from reasoning.strategy import Strategy, technique
from tests import command_line
from tests.faults.conftest import Serve
from tests.faults.server import Server, always, first

CANARY = "canaryOfTheMine2718281828"  # in none of the forms by which keys are known
TRACES = [CANARY[:14], base64.b64encode(CANARY.encode()).decode().rstrip("=")]
EXAMPLES = [Example(Problem("What is 2 + 2?", Number(), id="sum"), 4)]
PASSING = ("429", "500", "503", "broken", "html", "error 200", "no choices", "nonsense", "reset")
LASTING = ("401", "403", "400", "overflow", "redirect")


def leaks(*said: str | bytes, folder: Path) -> list[str]:
    """Where the key, or its beginning, is found: in what was said, or in the names and bytes of files."""
    found = [f"said: {text!r}" for text in said for one in TRACES if one in _text(text)]
    for path in sorted(folder.rglob("*")):
        content = _text(path.read_bytes()) if path.is_file() else ""
        found += [f"{path}: …{content[max(0, content.find(one) - 200) :][:400]}…" for one in TRACES if one in content]
        found += [str(path) for one in TRACES if one in path.name]
    return found


def _text(said: str | bytes) -> str:
    return said if isinstance(said, str) else said.decode("utf-8", "replace")


def command(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
    """Run the command line in a home of its own; its exit code and all that it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().endswith(("_KEY", "_TOKEN", "_BASE"))}
    home = {"HOME": str(folder), "REASONING_HOME": str(folder / "home")}
    done = command_line.reasoning(*words, cwd=folder, env={**kept, **home, **environment})
    return done.returncode, done.stdout + done.stderr


def sent_to(server: Server) -> set[str]:
    return {asked.authorization for asked in server.asked}


@pytest.mark.parametrize("fault", [*PASSING, *LASTING, "named by the key", "nameless"])
def test_a_server_that_says_the_key_is_not_quoted(
    fault: str,
    serve: Serve,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    for faults in (always(fault), first(fault)):  # never answered, and answered after a failure
        server = serve(faults=faults, echo=True)
        folder = tmp_path / server.url.rpartition(":")[2].replace("/", "-")
        folder.mkdir()
        journal = folder / "journal.sqlite"
        with reasoning.connect("mock", base_url=server.url, api_key=CANARY, journal=journal, patience=0.5) as llm:
            said += [repr(llm), repr(llm.client), str(vars(llm.limits))]
            try:
                found = benchmarks.compare(["vanilla", "cot"], EXAMPLES, llm, out=folder / "out", progress=True)
                answer = reasoning.strategies.get("vanilla").run(EXAMPLES[0].problem, llm)
                assert answer.trace is not None
                said += [str(found), repr(found), found._repr_html_(), repr(answer), answer._repr_html_()]
                said += [json.dumps(answer.trace.to_json()), answer.trace._repr_html_()]
            except ReasoningError as error:
                said += [str(error), repr(error), "".join(traceback.format_exception(error))]
        assert sent_to(server) == {f"Bearer {CANARY}"}
    assert leaks(*said, caplog.text, *capfd.readouterr(), folder=tmp_path) == []
    assert list(tmp_path.rglob("journal.sqlite"))


@pytest.mark.parametrize(
    ("variable", "base", "words", "fault"),
    [
        ("REASONING_API_KEY", "", ("--model", "mock"), "401"),
        ("REASONING_API_KEY", "", ("--model", "mock"), "400"),
        ("OPENAI_API_KEY", "OPENAI_BASE_URL", ("--model", "openai/gpt-4o-mini"), "403"),
        ("OPENAI_API_KEY", "OPENAI_BASE_URL", ("--model", "openai/gpt-4o-mini"), "redirect"),
        pytest.param(
            *("ANTHROPIC_API_KEY", "ANTHROPIC_API_BASE", ("--model", "anthropic/claude-3-haiku-20240307"), "401"),
            marks=pytest.mark.long,  # it loads a library of providers
        ),
    ],
)
def test_a_key_of_the_environment_is_not_in_what_a_failing_command_leaves(
    variable: str, base: str, words: tuple[str, ...], fault: str, serve: Serve, tmp_path: Path
) -> None:
    server = serve(faults=always(fault), echo=True)
    at = {base: server.url.removesuffix("/v1") if "ANTHROPIC" in base else server.url} if base else {}
    address = () if base else ("--base-url", server.url)
    code, said = command(tmp_path, "ask", "What is 2 + 2?", "--debug", *words, *address, **{variable: CANARY}, **at)
    assert code != 0
    assert said.strip()
    assert any(CANARY in sent for sent in sent_to(server))
    assert leaks(said, folder=tmp_path) == []


def test_a_benchmark_leaves_no_key_behind(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "sums.jsonl").write_text(
        '{"question": "What is 2 + 2?", "answer": 4}\n{"question": "3?", "answer": 3}\n'
    )
    server = serve(faults=lambda body, attempt: "400" if "2 + 2" in body else "500" if attempt == 0 else "", echo=True)
    words = ("--task", "jsonl:sums.jsonl", "--model", "mock", "--base-url", server.url, "--strategies", "vanilla, cot")
    ran = command(tmp_path, "bench", "run", *words, "--out", "out", "--debug", REASONING_API_KEY=CANARY)
    seen = [command(tmp_path, "bench", *rest, "--debug") for rest in (("report", "out"), ("show", "out", "-i", "1"))]
    assert [code for code, _ in (ran, *seen)] == [4, 0, 0]
    assert "temperature makes no sense" in ran[1]
    assert sent_to(server) == {f"Bearer {CANARY}"}
    assert (tmp_path / "out" / "journal.sqlite").exists()
    assert leaks(ran[1], *(said for _, said in seen), folder=tmp_path) == []


@pytest.mark.parametrize("where", ["user:{}@", "{}@"])
def test_a_key_in_the_address_is_refused_and_not_repeated(where: str, serve: Serve, tmp_path: Path) -> None:
    server = serve()
    address = server.url.replace("://", f"://{where.format(CANARY)}")
    code, said = command(tmp_path, "ask", "What is 2 + 2?", "--model", "mock", "--base-url", address, "--debug")
    assert (code, server.asked) == (1, [])  # a traceback, as it was asked for
    assert "base_url must not contain a user or password" in said
    code, said_without = command(tmp_path, "ask", "What is 2 + 2?", "--model", "mock", "--base-url", address)
    assert code == 2
    assert leaks(said, said_without, folder=tmp_path) == []


FORMED = "sk-proj-Canary2718281828459045"
"""A key in the form of a provider's."""


def traces_of(key: str, *said: str, folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if key[8:] in path.name or (path.is_file() and _holds(path, key))]
    return [*(text for text in said if key[8:22] in text), *map(str, files)]


def _holds(path: Path, key: str) -> bool:
    return key[8:].encode() in path.read_bytes()


@pytest.mark.parametrize("fault", ["", "400", "404", "500", "redirect", "hang"])
def test_a_key_in_the_path_of_the_address_is_sent_and_nowhere_else(fault: str, tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "sums.jsonl").write_text('{"question": "What is 2 + 2?", "answer": 4}\n')
    server = serve(faults=always(fault if fault != "404" else ""), echo=True)
    path = f"v1/{CANARY}" if fault != "404" else f"{CANARY}/{FORMED}"
    words = ("--task", "jsonl:sums.jsonl", "--model", "mock", "--timeout", "0.3", "--max-outage", "0.3", "--debug")
    address = f"http://127.0.0.1:{server.port}/{path}"
    command_words = ("bench", "run", *words, "--strategies", "vanilla", "--base-url", address, "--out", "out")
    code, said = command(tmp_path, *command_words)
    assert server.asked
    assert (code == 0) == (fault in ("", "404"))
    assert leaks(said, folder=tmp_path) == []
    assert traces_of(FORMED, said, folder=tmp_path) == []
    if code == 0:  # the masked address is the same at every run
        code, again = command(tmp_path, *command_words)
        assert (code, len(server.asked)) == (0, 1), again
        assert "masked-" in (tmp_path / "out" / "run.json").read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("ask", "2?", "--model", FORMED),
        ("ask", "2?", "--model", f"openai/{FORMED}"),
        ("ask", "2?", "--model", CANARY),
        ("ask", "2?", "--model", FORMED, "--base-url", "http://127.0.0.1:9/v1"),
        ("ask", "2?", "--base-url", f"http://127.0.0.1:9/v1?key={FORMED}", "--model", "m"),
        ("ask", "2?", "--base-url", f"127.0.0.1/{FORMED}/{CANARY}", "--model", "m"),
        ("ask", "2?", "--base-url", f"http://127.0.0.1:9/{FORMED}/{CANARY}", "--model", "m"),
        ("ask", "2?", "--strategy", FORMED),
        ("ask", "2?", "--strategy", f"cot(trigger='{FORMED}')"),
        ("ask", "2?", "--strategy", f"cot(trigger='{FORMED}'"),
        ("ask", "2?", "--strategy", CANARY),
        ("ask", "2?", "--requests-per-minute", FORMED),
        ("ask", "2?", "--budget-usd", CANARY),
        ("ask", "2?", "--sandbox", f"container, image={FORMED}", "--model", "m"),
        ("ask", "2?", f"--{FORMED}"),
        ("ask", "2?", "--kind", CANARY),
        ("bench", "run", "--task", FORMED, "--strategies", "cot"),
        ("bench", "run", "--task", f"gym:{FORMED}", "--strategies", "cot", "--model", "m", "--base-url", "http://e/v1"),
        ("bench", "run", "--task", "game24", "--strategies", f"cot, {FORMED}"),
        ("bench", "run", "--task", "game24", "--strategies", "cot", "--problem-budget", FORMED),
        ("bench", "run", "--task", "game24", "--strategies", "cot", "--time-limit", FORMED),
        ("bench", "run", "--task", "game24", "--strategies", "cot", "--prompt", f"cot.{FORMED}=x"),
        ("bench", "report", FORMED),
        ("models", "download", FORMED),
        ("chain", "check", FORMED),
        (FORMED,),
    ],
    ids=lambda words: " ".join(words).replace(FORMED, "KEY").replace(CANARY, "CANARY")[-60:],
)
def test_a_key_in_the_wrong_place_is_not_repeated(words: tuple[str, ...], tmp_path: Path) -> None:
    code, said = command(tmp_path, *words, "--debug", MY_API_KEY=CANARY)
    assert code != 0
    assert said.strip()
    assert leaks(said, folder=tmp_path) == []
    assert traces_of(FORMED, said, folder=tmp_path) == []


def test_a_key_as_a_name_is_refused_before_anything_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in (FORMED, f"local:{FORMED}", f"org/{FORMED}"):
        with pytest.raises(UsageError, match="model must be the name of a model, got a provider's key"):
            reasoning.connect(model, base_url="http://127.0.0.1:9/v1", journal=tmp_path / "journal.sqlite")
    with pytest.raises(UsageError, match="got the key that is given as api_key"):
        reasoning.connect(CANARY, base_url="http://127.0.0.1:9/v1", api_key=CANARY, journal=False)
    with pytest.raises(UsageError, match="a spec is shown and recorded, so it must not contain a key"):
        reasoning.strategies.get(f"cot(trigger='{FORMED}')")
    monkeypatch.setenv("MY_API_KEY", CANARY)
    with pytest.raises(UsageError, match=r"got the value of \$MY_API_KEY"):
        reasoning.connect(f"x/{CANARY}", journal=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8000/v1",
        "https://x.openai.azure.com/openai/deployments/gpt-4o-mini-2024-07-18",
        "https://host/serving-endpoints/meta-llama-3-1-70b-instruct/v1",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "http://[::1]:8000/v1",
    ],
)
def test_an_address_without_a_key_is_recorded_as_it_is(address: str) -> None:
    assert mask_path(address) == address


@pytest.mark.parametrize(
    "part", [CANARY, FORMED, "0f8fad5b-d9cb-469f-a165-70867728950e", "9b74c9897bac770ffc029102a200c5de"]
)
def test_a_key_in_a_path_is_masked_by_a_digest(part: str) -> None:
    masked = mask_path(f"https://host/v1/{part}/openai")
    assert re.fullmatch(r"https://host/v1/masked-[0-9a-f]{8}/openai", masked)
    assert mask_path(f"https://host/v1/{part}1/openai") != masked


@pytest.mark.parametrize(
    "name", ["hf-internal-testing/tiny-random-gpt2", "gpt-4o-mini-2024-07-18", "ft:gpt-4o:org::9AbCd1Ef"]
)
def test_a_model_is_no_key(name: str) -> None:
    assert find_key(name) == ""


PLACES: list[dict[str, Any]] = [
    {"api_key": CANARY},
    {"extra_headers": {"X-Mine": CANARY}},
    {"headers": {"Authorization": CANARY}},
    {"extra_body": {"api_key": CANARY}},
    {"extra_body": {"apiKey": CANARY}},
    {"extra_body": {"extra_headers": {"X-Mine": CANARY}}},
    {"extra_body": {"token": CANARY}},
    {"extra_body": {"hf_token": CANARY}},
    {"extra_body": {"data_sources": [{"parameters": {"authentication": {"type": "api_key", "key": CANARY}}}]}},
    {"extra_body": {"provider": {"client-secret": CANARY, "password": CANARY}}},
]


@pytest.mark.parametrize("given", PLACES, ids=str)
def test_a_key_among_the_settings_is_refused_and_not_repeated(
    given: dict[str, Any], serve: Serve, tmp_path: Path
) -> None:
    class Careless(Strategy):
        """Gives its calls a key."""

        async def solve(self, problem: Problem, session: Session) -> Answer:
            return problem.parse(await session.ask(problem.question, **given))

    server = serve()
    said = []
    with pytest.raises(UsageError, match="api_key, or in the provider's environment variable") as refused:
        reasoning.connect("mock", base_url=server.url, **{"journal": tmp_path / "journal.sqlite", **_nested(given)})
    said.append("".join(traceback.format_exception_only(refused.value)))
    with reasoning.connect("mock", base_url=server.url, journal=tmp_path / "journal.sqlite") as llm:
        with pytest.raises(UsageError, match="api_key, or in the provider's environment variable") as refused:
            technique(title="Careless", calls="1", use_when="", avoid_when="")(Careless)().run(EXAMPLES[0].problem, llm)
        said.append("".join(traceback.format_exception_only(refused.value)))
        assert len(llm.journal) == 0
    assert server.asked == []
    assert leaks(*said, folder=tmp_path) == []


def _nested(given: dict[str, Any]) -> dict[str, Any]:
    """`api_key` is an argument of `connect` itself; as a setting it can only come in the extra body."""
    return {"extra_body": given} if "api_key" in given else given


def test_what_servers_take_beyond_the_usual_is_no_key(serve: Serve) -> None:
    schema = {"type": "object", "properties": {"password": {"type": "string"}, "key": {"type": "integer"}}}
    body = {
        "min_tokens": 1,
        "max_tokens": 9,
        "stop_token_ids": [2],
        "skip_special_tokens": False,
        "eos_token": "</s>",
        "guided_json": schema,
        "chat_template_kwargs": {"enable_thinking": False},
    }
    server = serve()
    with reasoning.connect("mock", base_url=server.url, journal=False, extra_body=body) as llm:
        assert reasoning.strategies.get("vanilla").run(EXAMPLES[0].problem, llm).state == "answered"


def test_the_canary_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"\0\xff" + CANARY.encode())
    (tmp_path / "results.md").write_text(base64.b64encode(CANARY.encode()).decode())
    assert len(leaks(f"Bearer {CANARY}", CANARY.encode(), folder=tmp_path)) == 4
