"""The cache of prompts: what is marked, who writes to it, what it costs, and what a provider refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from reasoning import connect, event_loop
from reasoning.benchmarks import compare
from reasoning.engine.budget import Budget
from reasoning.engine.ledger import Ledger, Spending
from reasoning.engine.llm import LLM
from reasoning.errors import BudgetExhausted, CallFailed, UsageError
from reasoning.journal import Journal, exporting
from reasoning.messages import Completion, Conversation, Message, Request, Usage
from reasoning.mock_batches.anthropic_cache import MockPromptCache
from reasoning.providers.openai_response import parse_completions
from reasoning.providers.pricing import min_cached_tokens, price_table
from reasoning.providers.prompt_cache import MOST_MARKS, Mark, PromptCache
from reasoning.testing import BatchFaults, MockBatchServer
from tests.providers.batch_run import PACE

SONNET = "anthropic/claude-sonnet-4-5"
DEMOS = "Solve it.\n" + "\n".join(f"Q: what is {number} + {number}? A: {2 * number}." for number in range(300))


def request(*turns: tuple[str, str], **sampling: Any) -> Request:
    return Request(SONNET, tuple(Message(*turn) for turn in turns), {"max_tokens": 20, **sampling})


def problems(count: int = 5, demos: str = DEMOS) -> list[Request]:
    """Return prompts that begin alike and end with different questions."""
    return [request(("system", "Be careful."), ("user", f"{demos}\n\nQ: what is {n}?\nA:")) for n in range(count)]


def cache(min_tokens: int = 1024) -> PromptCache:
    return PromptCache("5m", min_tokens)


def learn(asked: Sequence[Request], min_tokens: int = 1024) -> PromptCache:
    known = cache(min_tokens)
    for one in asked:
        known.note(one)
    return known


def wire(one: Request) -> list[dict[str, Any]]:
    return [{"role": turn.role, "content": turn.content} for turn in one.messages]


def test_the_common_beginning_is_marked_at_the_end_of_a_line() -> None:
    asked = problems()
    [mark] = learn(asked).marks(asked[0])
    assert mark == Mark(1, len(DEMOS) + 2)
    # Two prompts may begin alike by chance.
    assert learn(asked[:2]).marks(asked[0]) == []
    # A prompt that is asked for again is no other prompt.
    assert learn([asked[0], asked[1], asked[0], asked[1]]).marks(asked[0]) == []


def test_a_text_is_divided_and_stays_the_same() -> None:
    asked = problems()
    turns = learn(asked).apply(asked[2], wire(asked[2]))
    assert turns[0] == wire(asked[2])[0]
    parts = turns[1]["content"]
    assert "".join(part["text"] for part in parts) == asked[2].messages[1].content
    assert [part.get("cache_control") for part in parts] == [{"type": "ephemeral"}, None]
    assert PromptCache("1h", 1).control == {"type": "ephemeral", "ttl": "1h"}


def test_demonstrations_in_turns_are_marked_at_the_last_one() -> None:
    shown = [("system", "Be careful."), ("user", DEMOS), ("assistant", "4")]
    asked = [request(*shown, ("user", f"what is {n}?")) for n in range(4)]
    known = learn(asked)
    assert known.marks(asked[0]) == [Mark(2, 1)]
    assert known.apply(asked[0], wire(asked[0]))[2]["content"] == [
        {"type": "text", "text": "4", "cache_control": {"type": "ephemeral"}}
    ]


def test_short_prompts_are_sent_as_they_are() -> None:
    asked = problems(demos="Solve it.")
    known = learn(asked)
    assert known.marks(asked[0]) == []
    assert known.apply(asked[0], wire(asked[0])) == wire(asked[0])


def test_strategies_that_share_a_beginning_have_a_mark_each_and_four_at_most() -> None:
    asked = []
    text = DEMOS
    for level in range(8):
        text += f"\n\nLevel {level}.\n" + "More words for it.\n" * 100
        asked += [request(("user", f"{text}Question {number}")) for number in range(4)]
    known = learn(asked)
    marks = known.marks(asked[-1])
    assert 2 <= len(marks) <= MOST_MARKS
    assert marks == sorted(marks)
    assert marks[-1].end == len(text)
    assert not MockPromptCache().find_problem(
        {"model": "claude-sonnet-4-5", "messages": known.apply(asked[-1], wire(asked[-1]))}
    )


def test_a_beginning_shared_by_chance_loses_its_mark_to_the_common_one() -> None:
    asked = [
        request(("user", f"{DEMOS}\n\n{'James has a few apples.' if n < 2 else f'Q{n}'}\nHow many? {n}"))
        for n in range(9)
    ]
    known = learn(asked)
    assert known.marks(asked[8]) == [Mark(0, len(DEMOS) + 2)]
    assert known.marks(asked[0]) == [Mark(0, len(DEMOS) + 2)]


def test_tools_come_before_the_turns() -> None:
    tools = [{"type": "function", "function": {"name": "Search", "parameters": {}}}]
    asked = [request(("user", f"{DEMOS}\n\n{n}"), **({"tools": tools} if n % 2 else {})) for n in range(8)]
    known = learn(asked)
    # What comes first in the provider's cache differs with tools.
    assert known.marks(asked[0]) == known.marks(asked[1]) == [Mark(0, len(DEMOS) + 2)]


def test_one_request_writes_and_the_others_wait_for_it() -> None:
    asked, order = problems(6), list[str]()
    known = learn(asked)

    async def send(number: int, *, fails: bool = False) -> None:
        async with known.sending(asked[number]):
            order.append(f"begin {number}")
            await asyncio.sleep(0.01)
            order.append(f"end {number}")
            if fails:
                raise CallFailed("down")

    async def main() -> None:
        await asyncio.gather(*(send(number, fails=number == 0) for number in range(5)), return_exceptions=True)
        await send(5)

    asyncio.run(main())
    # The first failed, so the second wrote; then the others were sent at once.
    assert order[:4] == ["begin 0", "end 0", "begin 1", "end 1"]
    assert set(order[4:7]) == {"begin 2", "begin 3", "begin 4"}


def test_a_writer_that_is_cancelled_leaves_the_others() -> None:
    asked, sent = problems(4), list[int]()
    known = learn(asked)

    async def send(number: int, seconds: float) -> None:
        async with known.sending(asked[number]):
            await asyncio.sleep(seconds)
            sent.append(number)

    async def main() -> None:
        first = asyncio.ensure_future(send(0, 60))
        others = [asyncio.ensure_future(send(number, 0)) for number in range(1, 4)]
        await asyncio.sleep(0.1)
        others[0].cancel()
        first.cancel()
        await asyncio.gather(first, *others, return_exceptions=True)

    asyncio.run(main())
    assert sorted(sent) == [2, 3]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}] * 5, "maximum of 4 blocks"),
        ([{"type": "text", "text": "", "cache_control": {"type": "ephemeral"}}], "must be non-empty"),
        ([{"type": "text", "text": " \n"}], "non-whitespace"),
        ([{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "2h"}}], "'5m' or '1h'"),
        ([{"type": "text", "text": "x", "cache_control": {"type": "forever"}}], "'ephemeral'"),
        (
            [
                {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "y", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            ],
            "must not come after",
        ),
        ([{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}], ""),
        ("x", ""),
    ],
)
def test_the_mock_refuses_what_the_provider_refuses(content: Any, problem: str) -> None:
    found = MockPromptCache().find_problem({"messages": [{"role": "user", "content": content}]})
    assert problem in found
    assert bool(found) == bool(problem)


def test_the_mock_caches_from_a_length_on_and_for_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("reasoning.mock_batches.anthropic_cache.time.monotonic", lambda: now)
    mock = MockPromptCache()

    def ask(text: str, keep: str = "5m") -> tuple[int, int]:
        control = {"type": "ephemeral", "ttl": keep}
        content = [{"type": "text", "text": text, "cache_control": control}, {"type": "text", "text": "question"}]
        usage, written = mock.count({"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": content}]})
        mock.store(written)
        return usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]

    assert min_cached_tokens(SONNET) == 1024
    assert ask("x" * 4092) == (0, 0)
    assert ask("y" * 4096) == (1024, 0)
    now = 299.0
    assert ask("y" * 4096) == (0, 1024)
    now = 299.0 + 301.0
    assert ask("y" * 4096) == (1024, 0)
    assert ask("z" * 4096, "1h") == (1024, 0)
    now += 3000
    assert ask("z" * 4096, "1h") == (0, 1024)


def ask_all(llm: LLM, count: int) -> list[Completion]:
    async def one(asked: Request) -> Completion:
        made = llm.request(Conversation(asked.messages), {"max_tokens": 20})
        return (await llm.draw(made, [0]))[0]

    async def every() -> list[Completion]:
        return list(await asyncio.gather(*map(one, problems(count))))

    return event_loop.run_sync(every())


def connected(server: MockBatchServer, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> LLM:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test")
    monkeypatch.setenv("ANTHROPIC_API_BASE", server.base_url)
    return connect(SONNET, **settings)


def cost(tokens: Mapping[str, int], share: float = 1.0) -> float:
    """Return what the tokens of a server cost, by Anthropic's list of prices."""
    prices = {"input": 3.0, "cache_creation_input": 3.75, "cache_read_input": 0.3, "output": 15.0}
    return share * sum(tokens[f"{name}_tokens"] * price / 1e6 for name, price in prices.items())


def test_single_calls_write_once_and_count_what_they_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockBatchServer("anthropic", seconds=0.02) as server:
        with connected(server, monkeypatch, journal=tmp_path / "a.sqlite", prompt_cache="5m") as llm:
            keys = [draw.key for draw in ask_all(llm, 10)]
            used, tokens = llm.usage, dict(server.tokens)
        with connected(server, monkeypatch, journal=tmp_path / "a.sqlite") as plain:
            # The key of a draw does not tell of the cache.
            again = ask_all(plain, 10)
            assert [draw.key for draw in again] == keys
            assert plain.usage.calls == 0
    assert used.cache_write_tokens == tokens["cache_creation_input_tokens"] > 1024
    assert used.cached_tokens == tokens["cache_read_input_tokens"] == 9 * used.cache_write_tokens
    assert used.prompt_tokens == used.cached_tokens + used.cache_write_tokens + tokens["input_tokens"]
    assert used.usd == pytest.approx(cost(tokens))
    assert "of the prompts from a prefix cache" in str(used)
    assert "tokens written to it" in str(used)
    # The journal has both counts.
    assert sum(draw.usage.cache_write_tokens for draw in again) == used.cache_write_tokens
    assert sum(draw.usage.cached_tokens for draw in again) == used.cached_tokens


def test_the_lines_of_a_wave_are_marked_at_its_price(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        MockBatchServer("anthropic", faults=BatchFaults(cold=0.3)) as server,
        connected(server, monkeypatch, journal=tmp_path / "a.sqlite", prompt_cache="5m", batch=PACE) as llm,
    ):
        ask_all(llm, 10)
        used, tokens = llm.usage, server.tokens
    assert server.batches == 1
    assert used.cached_tokens
    assert used.cached_tokens + used.cache_write_tokens > 9 * 1024
    assert used.usd == pytest.approx(cost(tokens, 0.5))


def test_a_budget_holds_if_all_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockBatchServer("anthropic") as server:
        usd = 0.02
        with (
            connected(
                server, monkeypatch, journal=tmp_path / "a.sqlite", prompt_cache="1h", budget=Budget(usd=usd)
            ) as llm,
            pytest.raises(BudgetExhausted),
        ):
            ask_all(llm, 10)
        assert cost(server.tokens) <= usd
        worst, plain = llm.client.worst_price(Usage(1, 1000)), llm.client.price(Usage(1, 1000))
    assert worst == pytest.approx(0.006)
    assert plain == pytest.approx(0.003)


def test_prices_of_writes_and_of_reads() -> None:
    written, read = Usage(1, 1_000_000, cache_write_tokens=1_000_000), Usage(1, 1_000_000, 0, 1_000_000)
    standard, hour = price_table(SONNET), price_table(SONNET, cache_time="1h")
    batches, batches_hour = price_table(SONNET, tier="batches"), price_table(SONNET, tier="batches", cache_time="1h")
    assert standard
    assert hour
    assert batches
    assert batches_hour
    assert [price.usd(written) for price in (standard, hour, batches, batches_hour)] == pytest.approx(
        [3.75, 6.0, 1.875, 3.0]
    )
    assert standard.usd(read) == pytest.approx(0.3)
    # A provider that does not charge for writes.
    free = price_table("openai/gpt-4o-mini")
    assert free
    assert free.usd(written) == free.usd(Usage(1, 1_000_000)) == free.worst_usd(Usage(1, 1_000_000))


def test_implicit_caches_of_other_providers_are_counted() -> None:
    def read(usage: dict[str, Any]) -> Usage:
        choice = {"message": {"content": "4"}, "finish_reason": "stop"}
        return parse_completions({"choices": [choice], "usage": usage}, 0.0)[0].usage

    openai = {"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 64}}
    assert read(openai).cached_tokens == 64
    charged = {**openai, "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 30}}
    assert (read(charged).cached_tokens, read(charged).cache_write_tokens) == (64, 30)
    # No more than the prompt has.
    wrong = {**openai, "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 300}}
    assert read(wrong).cache_write_tokens == 36


def test_a_response_of_gemini_counts_its_cache_and_its_thoughts() -> None:
    from reasoning.engine.service_tiers import batch_api
    from reasoning.providers.litellm_client import LiteLLMClient

    api = batch_api(LiteLLMClient("gemini/gemini-2.5-flash", tier="batches"), "test")
    parts = [{"text": "2 + 2", "thought": True}, {"text": "The answer is 4."}]
    counts = {
        "promptTokenCount": 1000,
        "cachedContentTokenCount": 600,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 30,
        "totalTokenCount": 1035,
    }
    reply = {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": counts,
        "responseId": "r1",
    }
    asked = Request(api.client.model, (Message("user", "2 + 2?"),), {"max_tokens": 5})
    [draw] = api.parse(reply, asked, [3])
    assert (draw.text, draw.reasoning, draw.draw, draw.request_id) == ("The answer is 4.", "2 + 2", 3, "r1")
    used = draw.usage
    assert (used.prompt_tokens, used.cached_tokens, used.completion_tokens, used.reasoning_tokens) == (
        1000,
        600,
        35,
        30,
    )
    # A response that a filter withheld, and one that is cut off in the middle.
    for broken in ({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": counts}, {"candidates": []}, {}, []):
        with pytest.raises(CallFailed):
            api.parse(broken, asked, [0])


def test_techniques_find_the_same_with_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasoning.mock_batches.anthropic_cache.min_cached_tokens", lambda model: 100)
    found = []
    for keep in (False, "5m"):
        # A reply depends on the whole text of its prompt.
        server = MockBatchServer("anthropic", reply=lambda prompt, draw: f"The answer is {sum(map(ord, prompt)) % 7}.")
        with server, connected(server, monkeypatch, journal=tmp_path / f"{keep}.sqlite", prompt_cache=keep) as llm:
            if keep:
                llm.client.prompt_cache._min_length = 300  # type: ignore[attr-defined]
            done = compare(["cot(shots=8)", "plan_and_solve"], "gsm_symbolic", llm, limit=4, progress=False)
            assert not done.failed
            found.append({(one.strategy, one.problem): one.value for one in done.results})
    assert llm.usage.cached_tokens
    assert found[0] == found[1]


def test_written_tokens_survive_the_journal_its_export_and_the_ledger(tmp_path: Path) -> None:
    usage = Usage(1, 100, 5, 60, 0.5, 1.0, 3, 30)
    asked = problems(1)[0]
    journal = Journal(tmp_path / "a.sqlite")
    journal.write(asked, [Completion("4", usage=usage), Completion("5", usage=Usage(1, 1, 1), draw=1)])
    assert journal.read(asked.key, [0])[0].usage == usage
    journal.close()
    exporting.export_draws(tmp_path / "a.sqlite", tmp_path / "a.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [line.get("cache_write_tokens") for line in lines] == [30, None]
    account = (ledger := Ledger(tmp_path / "spending.jsonl", lambda used: None)).account("cot", "1")
    account.end(account.begin(Usage(1, 100, 20, cache_write_tokens=100)), usage)
    ledger.close()
    total = Spending.read(tmp_path / "spending.jsonl", lambda used: None).total()
    assert (total.cached_tokens, total.cache_write_tokens, total.usd) == (60, 30, 0.5)


def test_models_without_such_a_cache_say_so() -> None:
    for name, base_url in (("openai/gpt-4o-mini", None), ("local", None), ("mock", "http://example.com/v1")):
        with pytest.raises(UsageError, match="needs a model anthropic/NAME"):
            connect(name, base_url=base_url, prompt_cache=True)
    with pytest.raises(UsageError, match="must be True, '5m' or '1h', got '2h'"):
        connect(SONNET, prompt_cache="2h")  # type: ignore[arg-type]
