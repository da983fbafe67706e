"""Strategies as solvers of inspect_ai, with its own mock model and a server on loopback."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai", reason="inspect_ai is not installed: pip install 'reasoning-strategies[inspect]'")

import inspect_ai
from inspect_ai import Epochs, Task
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog, EvalSample, read_eval_log
from inspect_ai.model import (
    ChatMessageSystem,
    ChatMessageUser,
    ContentImage,
    ContentText,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.scorer import choice, match, model_graded_qa
from inspect_ai.solver import Generate, Solver, TaskState, chain, system_message

from reasoning import strategies
from reasoning.benchmarks.exchange.formats import read_log
from reasoning.benchmarks.exchange.importing import import_logs
from reasoning.errors import UnknownName, UsageError
from reasoning.interop.inspect_ai import solve_with
from tests.faults.server import Server

# Warnings of inspect_ai and its dependencies are not ours.
pytestmark = pytest.mark.filterwarnings("ignore")

QUESTION = Sample(id="sum", input="What is 2 + 2?", target="4")
ANSWER = "Two and two make four. The answer is 4."


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INSPECT_LOG_DIR", "INSPECT_CACHE_DIR", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "inspect"))
    monkeypatch.setenv("INSPECT_DISPLAY", "none")


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """Free what inspect_ai leaves open while its warnings are ignored, and not in a later module."""
    yield
    gc.collect()


def output(text: str, tokens: int = 5) -> ModelOutput:
    # Without a usage inspect_ai counts tokens with tables that it fetches.
    usage = ModelUsage(input_tokens=tokens, output_tokens=tokens, total_tokens=2 * tokens)
    made = ModelOutput.from_content("mockllm/model", text)
    made.usage = usage
    return made


def evaluate(solver: Solver, replies: Any, *samples: Sample, scorer: Any = None, **options: Any) -> EvalLog:
    """Run an evaluation with the mock model; replies are texts in order, a function, or one text for all calls."""
    if isinstance(replies, str):
        text = replies
        replies = lambda *_: output(text)  # noqa: E731
    elif isinstance(replies, list):
        replies = [output(text) for text in replies]
    model = get_model("mockllm/model", custom_outputs=replies, memoize=False)
    task = Task(dataset=list(samples) or [QUESTION], solver=solver, scorer=scorer or match(numeric=True))
    [log] = inspect_ai.eval(task, model=model, display="none", log_level="error", **options)
    return log


def only(log: EvalLog) -> EvalSample:
    assert log.status == "success", log.error
    assert log.samples is not None
    [sample] = log.samples
    return sample


def calls(sample: EvalSample) -> list[Any]:
    return [event for event in sample.events if event.event == "model"]


def test_a_strategy_answers_a_sample() -> None:
    sample = only(evaluate(solve_with("cot", kind="number"), ANSWER))
    assert sample.output.completion == "4"
    assert sample.scores is not None
    assert sample.scores["match"].value == "C"
    [call] = calls(sample)
    assert call.input[-1].text.startswith("What is 2 + 2?")
    assert call.output.completion == ANSWER
    told = sample.metadata["reasoning"]
    assert (told["state"], told["value"], told["calls"]) == ("answered", "4", 1)
    assert sample.messages[-1].text == "4"


def test_a_vote_has_every_call_in_the_transcript() -> None:
    replies = [f"The answer is {number}." for number in (4, 5, 4, 3, 4)]
    sample = only(evaluate(solve_with("self_consistency(cot, samples=5)", kind="number"), replies))
    # The mock gives one choice at a time, so the missing ones are requested again.
    assert [call.output.completion for call in calls(sample)] == replies
    assert sample.metadata["reasoning"]["votes"] == [["4", 3], ["5", 1], ["3", 1]]
    assert sample.metadata["reasoning"]["confidence"] == 0.6
    assert {call.config.temperature for call in calls(sample)} == {0.7}


def test_usage_is_counted_once() -> None:
    solver = solve_with("self_consistency(cot, samples=3)", kind="number")
    log = evaluate(solver, lambda *_: output(ANSWER, 10))
    usage = only(log).model_usage["mockllm/model"]
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (30, 30, 60)
    assert log.stats.model_usage["mockllm/model"].total_tokens == 60
    assert only(log).output.usage is None


def test_epochs_are_independent() -> None:
    numbers = iter(range(100))
    log = evaluate(
        solve_with("vanilla", kind="number"),
        lambda *_: output(f"The answer is {next(numbers)}."),
        epochs=Epochs(3, "mean"),
    )
    assert log.samples is not None
    assert {sample.output.completion for sample in log.samples} == {"0", "1", "2"}


def test_settings_of_the_evaluation_hold_and_those_of_a_technique_override_them() -> None:
    solver = solve_with("self_consistency(cot, samples=2)", kind="number")
    config = GenerateConfig(max_tokens=77, top_p=0.5, temperature=0.3)
    for call in calls(only(evaluate(solver, ANSWER, **config.model_dump(exclude_none=True)))):
        assert (call.config.max_tokens, call.config.top_p, call.config.temperature) == (77, 0.5, 0.7)
    [call] = calls(only(evaluate(solve_with("cot", kind="number"), ANSWER)))
    # The evaluation sets neither, so the technique does not either.
    assert call.config.temperature is None
    assert call.config.max_tokens in (None, 2048)


def test_choices_of_a_sample_are_options_and_are_marked() -> None:
    sample = Sample(id="fruit", input="Which is a fruit?", choices=["rose", "pear", "oak"], target="B")
    done = only(evaluate(solve_with("cot"), "A pear is a fruit. The answer is (B).", sample, scorer=choice()))
    assert done.scores is not None
    assert done.scores["choice"].value == "C"
    assert "(B) pear" in calls(done)[0].input[-1].text
    wrong = only(evaluate(solve_with("cot"), "The answer is (C).", sample, scorer=choice()))
    assert wrong.scores is not None
    assert wrong.scores["choice"].value == "I"


def test_turns_before_the_question_go_before_every_prompt() -> None:
    turns = [ChatMessageSystem(content="Answer in French."), ChatMessageUser(content="What is 2 + 2?")]
    solver = chain(system_message("Be brief."), solve_with("self_consistency(cot, samples=2)", kind="number"))
    done = only(evaluate(solver, "La réponse est 4. The answer is 4.", Sample(id=1, input=turns, target="4")))
    for call in calls(done):
        assert call.input[0].text == "Answer in French.\n\nBe brief."
        assert [turn.role for turn in call.input] == ["system", "user"]


def test_images_of_a_sample_are_sent_with_every_prompt() -> None:
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    picture = ContentImage(image=f"data:image/png;base64,{dot}")
    turn = ChatMessageUser(content=[picture, ContentText(text="How many dots?")])
    solver = solve_with("self_consistency(cot, samples=2)", kind="number")
    done = only(evaluate(solver, "The answer is 1.", Sample(id=1, input=[turn], target="1")))
    for call in calls(done):
        assert [part.type for part in call.input[-1].content] == ["image", "text"]
    turn = ChatMessageUser(content=[ContentImage(image="/etc/passwd"), ContentText(text="How many dots?")])
    log = evaluate(solver, "The answer is 1.", Sample(id=1, input=[turn], target="1"))
    assert log.error is not None
    assert "an image must be PNG" in log.error.message  # inspect_ai has read the file


def test_an_answer_that_cannot_be_read_has_an_empty_completion() -> None:
    done = only(evaluate(solve_with("cot", kind="number"), "I cannot say."))
    assert done.output.completion == ""
    assert done.metadata["reasoning"]["state"] == "unparsed"
    assert done.scores is not None
    assert done.scores["match"].value == "I"


def test_the_form_of_the_completion() -> None:
    done = only(evaluate(solve_with("cot", kind="number", completion="ANSWER: {answer}"), ANSWER))
    assert done.output.completion == "ANSWER: 4"


def test_a_failed_call_is_an_error_of_the_sample() -> None:
    def fail(*_: Any) -> ModelOutput:
        raise ConnectionError("the server is gone")

    log = evaluate(solve_with("cot", kind="number"), fail)
    assert log.status == "error"
    assert log.error is not None
    assert "the server is gone" in log.error.message
    assert "ConnectionError" in log.error.message


def test_a_limit_on_tokens_is_that_of_inspect() -> None:
    solver = solve_with("self_consistency(cot, samples=9)", kind="number")
    done = only(evaluate(solver, lambda *_: output(ANSWER, 50), token_limit=250))
    assert done.limit is not None
    assert done.limit.type == "token"
    assert len(calls(done)) == 3
    assert done.error is None


def test_a_limit_on_time_ends_the_calls() -> None:
    open_calls = []

    async def slow(*_: Any) -> ModelOutput:
        open_calls.append(1)
        try:
            await asyncio.sleep(60)
        finally:
            open_calls.pop()
        raise AssertionError("the call was not cancelled")

    done = only(evaluate(solve_with("cot", kind="number"), slow, time_limit=1))
    assert done.limit is not None
    assert done.limit.type == "time"
    assert open_calls == []


def test_a_cache_of_inspect_keeps_the_draws_of_a_vote_apart() -> None:
    numbers = iter([4, 5, 4, 1, 1, 1])
    for _ in range(2):
        done = only(
            evaluate(
                solve_with("self_consistency(cot, samples=3)", kind="number"),
                lambda *_: output(f"The answer is {next(numbers)}."),
                cache=True,
            )
        )
        assert done.metadata["reasoning"]["votes"] == [["4", 2], ["5", 1]]


def test_every_technique_runs_as_a_solver() -> None:
    @inspect_ai.solver.solver
    def by_metadata() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            return await solve_with(state.metadata["spec"], kind="number")(state, generate)

        return solve

    specs = []
    for name in strategies.catalogue():
        strategy = strategies.get(name)
        if not strategy.needs_fit and {"number"} & ({kind.name for kind in strategy.card.kinds} or {"number"}):
            specs.append(name)
    assert len(specs) > 30
    samples = [Sample(id=spec, input="What is 2 + 2?", target="4", metadata={"spec": spec}) for spec in specs]
    log = evaluate(by_metadata(), ANSWER, *samples, fail_on_error=False)
    assert log.samples is not None
    # Some search, or read a table, and say that the question has none.
    unusable = [sample for sample in log.samples if sample.error and "UsageError" in sample.error.message]
    assert len(unusable) < 15
    for sample in log.samples:
        if sample not in unusable:
            assert sample.error is None, (sample.id, sample.error.message)
            assert sample.metadata["reasoning"]["calls"] == len(calls(sample)), sample.id


def test_wrong_arguments_are_refused_before_the_evaluation() -> None:
    with pytest.raises(UnknownName, match="did you mean 'self_consistency'"):
        solve_with("self_consistencyy")
    with pytest.raises(UnknownName, match="unknown kind 'numbr'"):
        solve_with("cot", kind="numbr")
    with pytest.raises(UsageError, match=r"completion must contain \{answer\}"):
        solve_with("cot", completion="done")
    with pytest.raises(UsageError, match="must learn from examples"):
        solve_with("auto_cot")


def test_an_imported_log_leaves_out_the_calls_of_a_grader(tmp_path: Path) -> None:
    grader = get_model("mockllm/grader", custom_outputs=lambda *_: output("GRADE: C", 40), memoize=False)
    log = evaluate(solve_with("cot", kind="number"), ANSWER, scorer=model_graded_qa(model=grader))
    assert only(log).model_usage["mockllm/grader"].total_tokens == 80
    read = read_log(log.location)
    [solve] = read.solves
    assert (solve.score, solve.answer, read.scorer) == (1.0, "4", "model_graded_qa")
    assert (solve.usage.calls, solve.usage.prompt_tokens, solve.usage.completion_tokens) == (1, 5, 5)
    assert read.setup == "cot"
    done = import_logs([("", read)], tmp_path / "out")
    assert done.comparison.rows[0].correct == 1


def test_a_refusal_of_the_provider_is_no_wrong_answer(tmp_path: Path) -> None:
    def refuse(*_: Any) -> ModelOutput:
        refused = output("")
        refused.choices[0].stop_reason = "content_filter"
        return refused

    log = evaluate(solve_with("cot", kind="number"), refuse)
    assert only(log).output.stop_reason == "content_filter"
    assert only(log).output.completion == ""
    [solve] = read_log(log.location).solves
    assert solve.refused == 1


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    pytest.importorskip("openai", reason="the provider of inspect_ai for servers needs openai")
    with Server(latency=0) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


def test_a_vote_is_one_request_with_n_on_a_server(server: Server) -> None:
    model = get_model("openai/mock", responses_api=False, memoize=False)
    solver = solve_with("self_consistency(cot, samples=5)", kind="number")
    task = Task(dataset=[QUESTION], solver=solver, scorer=match(numeric=True))
    [log] = inspect_ai.eval(task, model=model, display="none", log_level="error")
    [call] = calls(only(log))
    assert call.config.num_choices == 5
    assert len(call.output.choices) == 5
    assert only(log).metadata["reasoning"]["calls"] == 5
    assert only(log).model_usage["openai/mock"].output_tokens == call.output.usage.output_tokens


TASK_FILE = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from reasoning.interop.inspect_ai import solve_with

@task
def sums(samples=3):
    return Task(
        dataset=[Sample(id="sum", input="What is 2 + 2?", target="4")],
        solver=solve_with(f"self_consistency(cot, samples={samples})", kind="number"),
        scorer=match(numeric=True),
    )
"""


def test_inspect_eval_runs_a_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "sums.py").write_text(TASK_FILE)
    words = ["eval", "sums.py", "--model", "openai/mock", "-M", "responses_api=false", "--display", "none"]
    command = [sys.executable, "-m", "inspect_ai", *words, "-T", "samples=2", "--log-dir", "logs"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=100)
    [path] = (tmp_path / "logs").glob("*.eval")
    log = read_eval_log(str(path))
    assert log.eval.solver is None or "solve_with" in log.eval.solver
    assert only(log).metadata["reasoning"]["calls"] == 2


def test_a_spec_that_the_command_line_has_split(tmp_path: Path) -> None:
    # inspect eval -S strategy="self_consistency(cot, samples=2)"
    done = only(evaluate(solve_with(["self_consistency(cot", " samples=2)"], kind="number"), ANSWER))
    assert done.metadata["reasoning"]["strategy"] == "self_consistency(cot, samples=2)"
    assert len(calls(done)) == 2


def test_a_chain_of_ours_is_a_solver(tmp_path: Path) -> None:
    from reasoning.chain import Chain, Step
    from reasoning.prompts import Prompt

    steps = (Step("facts", Prompt("List the facts of: {question}")), Step("answer", Prompt("{facts}\n\n{question}")))
    Chain(*steps, name="two").save(tmp_path / "two")
    done = only(evaluate(solve_with(f"chain:{tmp_path / 'two'}"), ["two, two", "The answer is 4."]))
    assert [call.output.completion for call in calls(done)] == ["two, two", "The answer is 4."]
    assert json.dumps(done.metadata["reasoning"])
    with pytest.raises(UsageError, match="kind must be left out, since the last step of the chain chain:"):
        solve_with(f"chain:{tmp_path / 'two'}", kind="date")
