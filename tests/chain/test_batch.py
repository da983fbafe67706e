"""A chain over many inputs: what ends a run, and what is told of each row."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from reasoning import Chain, Problem, Prompt, Step, kinds
from reasoning.chain.batch import FAILURES_BEFORE_ABORT, BatchRow, BatchSummary, run_batch
from reasoning.chain.inputs import ChainInput
from reasoning.errors import CallFailed
from reasoning.messages import Message
from reasoning.testing import ScriptedLLM

WHOLE = kinds.Text(whole=True)


def through(chain: Chain, texts: Iterable[str], llm: ScriptedLLM) -> tuple[BatchSummary, list[BatchRow]]:
    rows: list[BatchRow] = []
    inputs = [ChainInput(text, Problem(text, inputs={"text": text})) for text in texts]
    return run_batch(chain, inputs, llm, rows.append, concurrency=1), rows


def picky(text: str) -> str:
    if text.startswith("bad"):
        raise ValueError("bad row")
    return text


def test_bad_rows_at_the_front_do_not_stop_a_run() -> None:
    chain = Chain(Step("read", function=picky, returns=WHOLE), Step("say", Prompt(input="{read}"), returns=WHOLE))
    texts = [*(f"bad {k}" for k in range(FAILURES_BEFORE_ABORT + 1)), "good"]
    for one in (chain, Chain(Step("inner", chain=chain))):
        done, rows = through(one, texts, ScriptedLLM(lambda turns: "said"))
        assert done.stopped_by is None
        assert (done.counts, rows[-1].answer and rows[-1].answer.value) == ({"failed": 9, "answered": 1}, "said")
    numbered = Chain(Step("say", Prompt(input="{text}"), returns=WHOLE), inputs={"text": kinds.Number()})
    done, _ = through(numbered, [*["no number"] * FAILURES_BEFORE_ABORT, "7"], ScriptedLLM(lambda turns: "said"))
    assert (done.stopped_by, done.counts) == (None, {"failed": FAILURES_BEFORE_ABORT, "answered": 1})


@pytest.mark.parametrize("deep", [False, True])
def test_a_model_of_which_nothing_comes_stops_it(deep: bool) -> None:
    def fail(turns: tuple[Message, ...]) -> Exception:
        return CallFailed("refused")

    chain = Chain(Step("say", Prompt(input="{text}"), returns=WHOLE))
    chain = Chain(Step("inner", chain=chain)) if deep else chain
    done, rows = through(chain, map(str, range(20)), ScriptedLLM(fail))
    assert isinstance(done.stopped_by, CallFailed)
    assert "refused" in str(done.stopped_by)
    assert len(rows) == FAILURES_BEFORE_ABORT


def test_what_was_mended_is_named_by_its_step_within_a_chain() -> None:
    def refuse(value: str) -> str | None:
        return "No." if "odd" in value else None

    inner = Chain(
        Step(
            "say",
            Prompt(input="{text}"),
            returns=WHOLE,
            check=refuse,
            max_repairs=0,
            fallback=lambda value, before: "fine",
        ),
        Step("end", first_of=("say",)),
    )
    listed = Step("list", Prompt(input="list {text}"), returns=kinds.Items())
    chain = Chain(listed, Step("each", chain=inner, rename={"text": "one"}, for_each="one in list"))
    llm = ScriptedLLM(lambda turns: turns[-1].content.replace("list ", ""))
    done, rows = through(chain, ["a; b", "odd: refused: fallback; odd two"], llm)
    assert [row.fallbacks for row in rows] == [[], ["each.say"]]
    assert [row.rejections for row in rows] == [0, 2]
    assert done.fallbacks == 1
    assert rows[1].to_json()["fallbacks"] == ["each.say"]
