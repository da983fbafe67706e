"""Results folders as logs of inspect_ai: one log for each strategy, for its viewer and its analysis.

A log has the problems as samples, the right answers as targets, the score of this library as the scorer "reasoning",
and the calls of each solve as model events within spans for its stages.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.errors import InputError, MissingExtra
from reasoning.files import new_folder
from reasoning.kinds import Choice
from reasoning.messages import Completion, Message, Usage
from reasoning.problem import Example, accepted_answers
from reasoning.text_safety import replace_surrogates
from reasoning.trace import Call, Note, ToolCall, Trace
from reasoning.version import __version__

SCORER = "reasoning"
"""The name of the scorer in the logs."""
_STOPS = {"length": "max_tokens", "refusal": "content_filter"}


def write_logs(folder: Path, out: Path, form: str = "eval") -> list[Path]:
    """Write a log for each strategy of a results folder.

    Args:
        folder: the results folder.
        out: the folder of the logs, which is created; it must be empty.
        form: "eval" or "json".

    Returns:
        The files, in the order of the strategies.

    Raises:
        MissingExtra: inspect_ai is not installed.
        InputError: the results cannot be read, or the folder cannot be written.
    """
    try:
        from inspect_ai.log import write_eval_log
    except ImportError as error:
        raise MissingExtra("a log of inspect_ai", "inspect", f"inspect_ai ({error})") from None
    store = ResultsFolder.read(folder)
    comparison = Comparison.from_folder(store)
    if not comparison.results:
        raise InputError(f"{folder}: holds no results yet")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: must be a new or empty folder")
    # Traces are read once, in the order of the file.
    traces = store.traces()
    names = []
    with new_folder(out) as new:
        for number, row in enumerate(comparison.rows, 1):
            slug = re.sub(r"[^\w.-]+", "-", row.strategy).strip("-")[:60]
            names.append(f"{number:02}-{slug or 'strategy'}.{form}")
            log = _to_log(store, comparison, row, traces)
            try:
                log.model_dump_json()
            except ValueError:
                # It has lone surrogates. A failure within `write_eval_log` would leave its file open.
                log = type(log).model_validate(_encodable(log.model_dump()))
            write_eval_log(log, str(new / names[-1]), format=form)
    return [out / name for name in names]


def _encodable(data: Any) -> Any:
    """Return plain data with question marks instead of lone surrogates."""
    if isinstance(data, str):
        return replace_surrogates(data)
    if isinstance(data, Mapping):
        return {_encodable(name): _encodable(value) for name, value in data.items()}
    return [_encodable(value) for value in data] if isinstance(data, list | tuple) else data


def _to_log(
    store: ResultsFolder, comparison: Comparison, row: StrategySummary, traces: Mapping[ResultKey, Trace]
) -> Any:
    from inspect_ai.log import (
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalMetric,
        EvalPlan,
        EvalPlanStep,
        EvalResults,
        EvalScore,
        EvalSpec,
        EvalStats,
    )
    from inspect_ai.model import ModelUsage

    settings, created = store.settings, str(store.metadata.get("created") or "1970-01-01T00:00:00+00:00")
    results = [result for result in comparison.results if result.strategy == row.strategy]
    model = store.model_of(row.strategy)
    ids = list(dict.fromkeys(result.problem for result in results))
    samples = [
        _to_sample(result, store.examples[result.problem], traces.get(result.key), model, created) for result in results
    ]
    name = hashlib.sha256(f"{store.folder}\0{row.strategy}\0{created}".encode("utf-8", "replace")).hexdigest()[:22]
    spec = EvalSpec(
        eval_id=name,
        run_id=name,
        task_id=name,
        created=created,
        task=str(settings["task"]),
        task_version=str(settings.get("task_version") or 0),
        solver=row.strategy,
        dataset=EvalDataset(name=str(settings["task"]), samples=len(ids), sample_ids=ids, shuffled=False),
        model=model,
        config=EvalConfig(epochs=1 + max(result.epoch for result in results)),
        packages={"reasoning-strategies": __version__, "inspect_ai": metadata.version("inspect_ai")},
        scorers=[{"name": SCORER}],
        metadata={"reasoning": {name: str(value) for name, value in settings.items()}},
    )
    metrics = {
        "accuracy": EvalMetric(name="accuracy", value=row.accuracy),
        "ci95_low": EvalMetric(name="ci95_low", value=row.interval[0]),
        "ci95_high": EvalMetric(name="ci95_high", value=row.interval[1]),
    }
    score = EvalScore(
        name=SCORER, scorer=SCORER, scored_samples=row.n, unscored_samples=row.failed, metrics=metrics if row.n else {}
    )
    usage = ModelUsage(**_usage(row.usage)) if row.knows("tokens") else None
    return EvalLog(
        status="success",
        eval=spec,
        plan=EvalPlan(steps=[EvalPlanStep(solver=row.strategy)]),
        results=EvalResults(total_samples=len(results), completed_samples=row.n, scores=[score]),
        stats=EvalStats(started_at=created, completed_at=created, model_usage={model: usage} if usage else {}),
        samples=samples,
    )


def _to_sample(result: Result, example: Example, trace: Trace | None, model: str, created: str) -> Any:
    from inspect_ai._util.error import EvalError
    from inspect_ai.log import EvalSample
    from inspect_ai.model import ModelOutput, ModelUsage
    from inspect_ai.scorer import Score

    kind, told = example.problem.kind, _told(result)
    calls = list(trace.calls()) if trace else []
    messages = [_to_turn(turn) for turn in calls[-1].messages] if calls else []
    last = calls[-1].completions[-1] if calls and calls[-1].completions else None
    text = last.text if last is not None else result.value or ""
    output = ModelOutput.from_content(model, text, stop_reason=_stop(last))
    if last is not None or result.value is not None:
        messages = [*messages, output.message]
    score = None
    if result.correct is not None:
        why = result.rule or result.reason
        score = Score(value="C" if result.correct else "I", answer=result.value, explanation=why, metadata=told)
    usage = {} if "tokens" in result.unrecorded else {model: ModelUsage(**_usage(result.usage))}
    return EvalSample(
        id=result.problem,
        epoch=result.epoch + 1,
        input=example.problem.values()["question_only"],
        choices=[*kind.options] if isinstance(kind, Choice) else None,
        target=[str(one) for one in accepted_answers(example.target)],
        messages=messages,
        output=output if messages else ModelOutput(model=model),
        scores=None if score is None else {SCORER: score},
        metadata={"reasoning": told},
        events=list(_events(trace, model, created)) if trace else [],
        model_usage=usage,
        total_time=result.seconds or None,
        error=EvalError(message=result.reason, traceback="", traceback_ansi="") if result.failed else None,
    )


def _told(result: Result) -> dict[str, Any]:
    """Return the parts of a result for which a sample has no field."""
    told: dict[str, Any] = {"state": result.state, "rule": result.rule, "reason": result.reason}
    told |= {"confidence": result.confidence, "votes": [list(vote) for vote in result.votes]}
    told |= {"family": result.family, "truncated": result.truncated, "token_limit": result.token_limit}
    return told | {"refused": result.refused, "unrecorded": list(result.unrecorded), "usage": asdict(result.usage)}


def _events(trace: Trace, model: str, created: str) -> Iterator[Any]:
    """Yield the events of a solve: a span for each stage, and in it its calls, uses of tools and notes."""
    from inspect_ai.event import InfoEvent, ModelEvent, SpanBeginEvent, SpanEndEvent
    from inspect_ai.model import GenerateConfig

    at, counter = datetime.fromisoformat(created), iter(range(1_000_000))
    placed: dict[str, Any] = {"timestamp": at, "working_start": 0.0}

    def walk(stage: Trace, parent: str | None) -> Iterator[Any]:
        name = f"span-{next(counter)}"
        kind = "solver" if parent is None else "stage"
        yield SpanBeginEvent(id=name, span_id=name, parent_id=parent, type=kind, name=stage.name, **placed)
        for event in stage.events:
            if isinstance(event, Trace):
                yield from walk(event, name)
            elif isinstance(event, Call):
                config = GenerateConfig(num_choices=len(event.completions) or None, **_config(event.sampling))
                turns = [_to_turn(turn) for turn in event.messages]
                output = _to_output(event.completions, model)
                parts = {"tools": [], "tool_choice": "none", "config": config, "output": output}
                yield ModelEvent(model=model, input=turns, span_id=name, **parts, **placed)
            else:
                yield InfoEvent(source="reasoning", data=_describe(event), span_id=name, **placed)
        yield SpanEndEvent(id=name, span_id=name, **placed)

    return walk(trace, None)


def _to_output(completions: Sequence[Completion], model: str) -> Any:
    from inspect_ai.model import ModelOutput, ModelUsage

    choices = [
        choice
        for draw in completions
        for choice in ModelOutput.from_content(model, draw.text, stop_reason=_stop(draw)).choices
    ]
    usage = Usage.total(draw.usage for draw in completions)
    # A reply of a log that did not record its usage has none.
    known = {"usage": ModelUsage(**_usage(usage)), "time": usage.seconds} if usage.calls else {}
    return ModelOutput(model=model, choices=choices, **known)


def _to_turn(turn: Message) -> Any:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    kinds = {"system": ChatMessageSystem, "assistant": ChatMessageAssistant}
    # Images are in the journal of the folder; a log names them.
    pictures = "".join(f"\n[image: {image}]" for image in turn.images)
    return kinds.get(turn.role, ChatMessageUser)(content=f"{turn.content}{pictures}")


def _stop(draw: Completion | None) -> Any:
    return _STOPS.get(draw.finish_reason, "stop") if draw is not None else "stop"


def _usage(usage: Usage) -> dict[str, Any]:
    """Return a usage in the terms of inspect_ai, whose input tokens leave out those from and to a cache."""
    return {
        "input_tokens": max(usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens, 0),
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "input_tokens_cache_read": usage.cached_tokens or None,
        "input_tokens_cache_write": usage.cache_write_tokens or None,
        "reasoning_tokens": usage.reasoning_tokens or None,
        "total_cost": usage.usd,
    }


def _config(sampling: Mapping[str, Any]) -> dict[str, Any]:
    known = ("temperature", "max_tokens", "top_p", "seed")
    return {name: sampling[name] for name in known if isinstance(sampling.get(name), int | float)}


def _describe(event: ToolCall | Note) -> dict[str, Any]:
    if isinstance(event, Note):
        return {"note": event.text}
    return {"tool": event.name, "arguments": dict(event.arguments), "result": event.result, "error": event.error}
