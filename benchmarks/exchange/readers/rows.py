"""Rows of a table: JSONL, JSON or CSV, as DSPy saves evaluations, or with a mapping of the columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from reasoning.benchmarks.exchange.readers.json_file import read_json
from reasoning.benchmarks.exchange.solves import Solve, SolveLog, to_count, to_epoch, to_name, to_score, to_seconds
from reasoning.benchmarks.tasks.delimited import read_delimited
from reasoning.data_files import read_jsonl
from reasoning.errors import InputError, UnknownName
from reasoning.messages import Message, Usage

COLUMNS = (
    *("id", "question", "answer", "score", "strategy", "reply", "read", "epoch", "options", "context", "family"),
    *("error", "finish_reason", "prompt_tokens", "completion_tokens", "calls", "usd", "seconds"),
)
"""The parts of a solve that `--map` names. `answer` is the right answer, `read` is the one that was given."""
_CUT, _DECLINED = ("length", "max_tokens", "model_length"), ("content_filter", "refusal")
_DSPY_METRIC = "metric"
_QUESTIONS = ("question", "query", "problem", "input", "text")


def read_table(path: str, mapping: Mapping[str, str]) -> SolveLog:
    """Read a JSONL, JSON or CSV file.

    Args:
        path: the file.
        mapping: the column of each part; see `COLUMNS`. A value may be a path such as "output.text". Parts that
            are not named have the column of their own name, if there is one. Several columns may be given for
            the score, joined by "+", as in "score=model_a+model_b": each is then a strategy with its name.

    Raises:
        UnknownName: there is no such part.
        InputError: a column is missing, or a value is not what its part needs; names the line.
    """
    for name in mapping:
        if name not in COLUMNS:
            raise UnknownName("part", name, COLUMNS, "of --map")
    solves = [
        solve
        for number, row in read_rows(path)
        for solve in _solves(row, mapping, f"{path}:{number}" if number else path)
    ]
    if not solves:
        raise InputError(f"{path}: there are no rows in the file")
    return SolveLog(
        path,
        "a table",
        task="",
        model="",
        scorer=mapping.get("score", "score"),
        solves=solves,
        reads_answers=all(solve.answer is not None for solve in solves if solve.score),
        knows_truncation="finish_reason" in mapping,
    )


def read_dspy(path: str, score: str = "") -> SolveLog:
    """Read what `dspy.Evaluate(save_as_json=…)` or `save_as_csv=…` wrote.

    Args:
        path: the file.
        score: the name of the column with the metric's value; empty for "metric", or the last column.

    Raises:
        InputError: the file is not that of an evaluation; names the row.
    """
    rows = list(read_rows(path))
    columns = list(rows[0][1]) if rows else []
    metric = score or (_DSPY_METRIC if _DSPY_METRIC in columns else columns[-1] if columns else "")
    if metric not in columns:
        raise InputError(f"{path}: not an evaluation of DSPy: no column {metric!r} in {', '.join(columns)[:200]}")
    predicted = {name for _, row in rows for name in row if name.startswith("pred_")}
    solves = [_dspy_solve(row, metric, f"{path}:{number}", predicted) for number, row in rows]
    return SolveLog(
        path,
        "DSPy of unknown version",
        task="",
        model="",
        scorer=metric,
        solves=solves,
        reads_answers=bool(predicted),
    )


def read_rows(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number of the line, or of the object in a JSON list, and the row."""
    name = path.removesuffix(".gz").lower()
    if name.endswith((".csv", ".tsv", ".txt")):
        yield from read_delimited(Path(path))
    elif name.endswith(".json"):
        data = read_json(path)
        if not isinstance(data, list):
            raise InputError(f"{path}: must be a list of rows, got {type(data).__name__}; it is no form that is known")
        for number, row in enumerate(data, 1):
            if not isinstance(row, dict):
                raise InputError(f"{path}: row {number} must be an object, got {type(row).__name__}")
            yield number, row
    else:
        yield from read_jsonl(path)


def _solves(row: Mapping[str, Any], mapping: Mapping[str, str], where: str) -> Iterator[Solve]:
    """Yield the solve of a row, or of each of its columns with scores."""
    scores = mapping.get("score", "score").split("+")
    if len(scores) == 1:
        yield _solve(row, mapping, where)
        return
    for column in map(str.strip, scores):
        solve = _solve(row, {**mapping, "score": column}, where)
        yield replace(solve, variant=" · ".join(filter(None, [solve.variant, to_name(column)])))


def _solve(row: Mapping[str, Any], mapping: Mapping[str, str], where: str) -> Solve:
    def value(name: str) -> Any:
        path = mapping.get(name, name)
        found = row.get(path, _MISSING) if path in row else _look_up(row, path)
        if found is _MISSING:
            if name in mapping or name in ("question", "score"):
                columns = ", ".join(map(repr, row))[:200]
                raise InputError(
                    f"{where}: there is no column {path!r} for {name!r} (the columns are {columns}); "
                    f"name it: --map {name}=COLUMN"
                )
            return None
        return found

    error, finish = value("error"), str(value("finish_reason") or "")
    reply, read = value("reply"), value("read")
    score = None if error else to_score(value("score"), where, mapping.get("score", "score"))
    usage, unrecorded = _usage(value)
    options, name, epoch = value("options"), value("id"), value("epoch")
    question = "" if (asked := value("question")) is None else str(asked)
    if not question.strip() and name in (None, ""):
        raise InputError(f"{where}: the question is empty, and there is no id; name another column: --map id=COLUMN")
    return Solve(
        where,
        question=question,
        target=value("answer"),
        id=None if name in (None, "") else to_name(name),
        variant=to_name(value("strategy")),
        epoch=None if epoch in (None, "") else to_epoch(epoch, where),
        options=_options(options),
        messages=(Message("user", question),) if reply is not None else (),
        replies=() if reply is None else (str(reply),),
        answer=None if read in (None, "") else str(read),
        unread=read == "",
        score=score,
        reason=f"error: {to_name(error)}" if error else "" if score is not None else "not scored",
        truncated=int(finish in _CUT),
        refused=int(finish in _DECLINED),
        usage=usage,
        unrecorded=unrecorded,
        family=to_name(value("family")),
    )


_MISSING = object()


def _look_up(row: Any, path: str) -> Any:
    value = row
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _MISSING
    return value


def _options(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _usage(value: Any) -> tuple[Usage, tuple[str, ...]]:
    """Return the usage of a row; what has no number is unknown."""
    given = {name: _number(value(name)) for name in ("prompt_tokens", "completion_tokens", "calls", "usd", "seconds")}
    missing = ["calls"] if given["calls"] is None else []
    if given["prompt_tokens"] is None or given["completion_tokens"] is None:
        missing.append("tokens")
    missing += ["seconds"] if given["seconds"] is None else []
    usage = Usage(
        to_count(given["calls"]) or 1,
        to_count(given["prompt_tokens"]),
        to_count(given["completion_tokens"]),
        0,
        given["usd"],
        given["seconds"] or 0.0,
    )
    return usage, tuple(missing)


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return to_seconds(value)


def _dspy_solve(row: Mapping[str, Any], metric: str, where: str, outputs: set[str]) -> Solve:
    value = row.get(metric)
    text = value.strip().removeprefix("✔️ [").removesuffix("]") if isinstance(value, str) else value
    # A program that failed gives no outputs, and the tool gives it its failure score.
    failed = bool(outputs) and not any(name in row for name in outputs)
    score = None if failed else to_score(text, where, metric)
    answers = sorted(outputs, key=lambda name: (f"example_{name.removeprefix('pred_')}" not in row, name))
    main = answers[0] if answers else ""
    own = main.removeprefix("pred_")
    target = row.get(f"example_{own}", row.get(own)) if own else None
    inputs = {
        name: one
        for name, one in row.items()
        if name not in (metric, main, f"example_{own}") and not name.startswith("pred_")
    }
    question = inputs.get(next((name for name in _QUESTIONS if name in inputs), next(iter(inputs), "")), "")
    reasoning = row.get("reasoning")
    read = row.get(main)
    reply = "\n\n".join(str(part) for part in (reasoning, read) if part not in (None, ""))
    return Solve(
        where,
        question=str(question),
        target=target,
        messages=(Message("user", str(question)),) if reply else (),
        replies=(reply,) if reply else (),
        answer=None if read in (None, "") else str(read),
        unread=read == "",
        score=score,
        reason="the program failed, so it has no outputs" if failed else "" if score is not None else "not scored",
    )
