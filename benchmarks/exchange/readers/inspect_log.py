"""Logs of inspect_ai, in both forms: `.eval` (a zip archive) and `.json`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reasoning.benchmarks.exchange.archive import Archive
from reasoning.benchmarks.exchange.readers.inspect_messages import Attachments, read_messages, text_of
from reasoning.benchmarks.exchange.readers.inspect_usage import Calls
from reasoning.benchmarks.exchange.readers.json_file import read_json
from reasoning.benchmarks.exchange.solves import Solve, SolveLog, choose, to_epoch, to_name, to_score
from reasoning.errors import InputError
from reasoning.files import parse_json_object

VERSION = 2
"""The newest version of the log's schema that is read."""
_SAMPLE = re.compile(r"samples/[^/]+\.json")


def read(path: str, score: str = "") -> SolveLog:
    """Read a log of inspect_ai.

    Args:
        path: the file.
        score: the scorer to read, or "SCORER.KEY" of one with several values; empty for the first.

    Raises:
        InputError: the file is damaged, of a newer version, or has no such scorer; names the sample.
    """
    with Path(path).open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if not is_zip:
        log = read_json(path)
        if not isinstance(log, Mapping) or not isinstance(log.get("samples"), list):
            raise InputError(f"{path}: not a log of inspect_ai with samples; read one that was not shortened")
        samples: Iterator[tuple[str, Any]] = ((_place(path, one), one) for one in log["samples"])
        return _read_log(path, log, samples, score)
    with Archive(Path(path)) as archive:
        names = archive.names()
        header = next((name for name in ("header.json", "_journal/start.json") if name in names), "")
        if not header:
            raise InputError(f"{path}: not a log of inspect_ai: header.json is missing")
        log = parse_json_object(archive.read(header), f"{path}: {header}")
        samples = (
            (f"{path}: {name}", parse_json_object(archive.read(name), f"{path}: {name}"))
            for name in names
            if _SAMPLE.fullmatch(name)
        )
        return _read_log(path, log, samples, score)


def _place(path: str, sample: Any) -> str:
    named = sample if isinstance(sample, Mapping) else {}
    return f"{path}: sample {to_name(named.get('id'))}, epoch {to_name(named.get('epoch'))}"


def _read_log(path: str, log: Mapping[str, Any], samples: Iterator[tuple[str, Any]], score: str) -> SolveLog:
    version = log.get("version", 1)
    if not isinstance(version, int) or version > VERSION:
        raise InputError(f"{path}: the log has version {version!r:.20}; versions up to {VERSION} are read: update us")
    spec = _mapping(log.get("eval"))
    if not spec:
        raise InputError(f"{path}: damaged: the part 'eval' is missing")
    status = log.get("status", "started")
    known: list[str] = [str(one.get("name")) for one in _list(spec.get("scorers")) if isinstance(one, Mapping)]
    solves, chosen = [], ""
    for where, sample in samples:
        try:
            known = known or list(_mapping(sample.get("scores")))
            if not chosen and known:
                chosen = _choose(score, known, sample, path)
            solves.append(_solve(sample, chosen, where))
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise InputError(f"{where}: damaged: {type(error).__name__}: {error}") from None
    if not solves:
        raise InputError(f"{path}: the log has no samples (its status is {to_name(status)!r})")
    if all(solve.score is None for solve in solves) and not any(solve.reason for solve in solves):
        choose(score, [], path, "scorer")
    others = [name for name in known if name != chosen.partition(".")[0]]
    notes = [f"The log has further scores, which were not read: {', '.join(others)}."] if others else []
    if status != "success":
        planned = _mapping(spec.get("dataset")).get("samples")
        of = f" of {planned} samples" if planned else ""
        notes.append(f"The run did not end well (status {to_name(status)!r}); its log has {len(solves)} solves{of}.")
    packages, ids = _mapping(spec.get("packages")), _mapping(spec.get("dataset")).get("sample_ids")
    order = {str(one): index for index, one in enumerate(ids if isinstance(ids, list) else ())}
    return SolveLog(
        path,
        f"inspect_ai {to_name(packages.get('inspect_ai'), 'of unknown version')}",
        task=to_name(spec.get("task")).rpartition("/")[2],
        model=to_name(spec.get("model")),
        scorer=chosen,
        # A log lists its samples as they ended, or by name.
        solves=sorted(solves, key=lambda solve: (solve.epoch or 0, order.get(str(solve.id), len(order)))),
        notes=notes,
        setup=_setup(spec, _mapping(log.get("plan"))),
        name=to_name(spec.get("solver")) if "reasoning" in _mapping(spec.get("metadata")) else "",
        reads_answers=all(solve.answer is not None for solve in solves if solve.score),
        knows_truncation=True,
    )


def _choose(wanted: str, known: Sequence[str], sample: Mapping[str, Any], path: str) -> str:
    """Return the scorer, with the key of its value if it has several."""
    name, _, key = wanted.partition(".")
    if wanted in known:
        name, key = wanted, ""
    name = choose(name, known, path, "scorer")
    value = _mapping(_mapping(sample.get("scores")).get(name)).get("value")
    if isinstance(value, Mapping):
        return f"{name}.{choose(key, list(map(str, value)), path, f'value of the scorer {name}')}"
    return name


def _solve(sample: Mapping[str, Any], scorer: str, where: str) -> Solve:
    attachments = Attachments(_mapping(sample.get("attachments")))
    asked = sample["input"]
    turns = read_messages(asked, attachments) if isinstance(asked, list) else ()
    question = attachments.resolve(asked) if isinstance(asked, str) else _last_user(turns)
    output = _mapping(sample.get("output"))
    choices = [_mapping(one) for one in output.get("choices") or ()]
    # A log that this library wrote says more about an answer; see `inspect_export`.
    told = _mapping(_mapping(sample.get("metadata")).get("reasoning"))
    told = told if "usage" in told else {}
    calls = Calls.of_ours(told) or Calls.of(sample, choices)
    replies = tuple(text_of(_mapping(one.get("message")).get("content"), attachments) for one in choices)
    name, _, key = scorer.partition(".")
    scores = _mapping(sample.get("scores"))
    entry = _mapping(scores.get(scorer) or scores.get(name))
    value = entry.get("value")
    if isinstance(value, Mapping):
        value = value.get(key)
    answer = entry.get("answer")
    failure = _failure(sample)
    score = None if failure else to_score(value, where, scorer)
    limit = _mapping(sample.get("limit")).get("type")
    return Solve(
        where,
        question=question,
        target=sample.get("target"),
        id=str(sample["id"]),
        epoch=to_epoch(int(sample["epoch"]) - 1, where),
        options=tuple(map(str, sample.get("choices") or ())),
        messages=_prompt(sample, attachments) or turns,
        replies=replies,
        answer=None if answer is None else attachments.resolve(str(answer)),
        unread=told.get("state") == "unparsed",
        score=score,
        reason=failure or str(told.get("reason") or "") or ("" if score is not None else "not scored"),
        # A limit of the sample ends its solve as a limit on tokens ends a reply.
        truncated=calls.truncated or int(limit is not None),
        token_limit=calls.token_limit,
        refused=calls.refused,
        usage=calls.usage,
        unrecorded=calls.unrecorded,
        family=to_name(told.get("family")),
    )


def _failure(sample: Mapping[str, Any]) -> str:
    """Return why a sample does not count; empty if it does."""
    if error := _mapping(sample.get("error")):
        return f"error: {to_name(error.get('message'), 'unknown')}"
    return "invalidated" if sample.get("invalidation") else ""


def _prompt(sample: Mapping[str, Any], attachments: Attachments) -> tuple[Any, ...]:
    """Return the turns before the last reply."""
    turns = read_messages(sample.get("messages") or [], attachments)
    while turns and turns[-1].role == "assistant":
        turns = turns[:-1]
    return turns


def _last_user(turns: Sequence[Any]) -> str:
    return next((turn.content for turn in reversed(turns) if turn.role == "user"), "")


def _setup(spec: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    """Return the solvers and the arguments of a run, which distinguish it from others of its model."""
    steps = [_mapping(step) for step in _list(plan.get("steps"))]
    if spec.get("solver"):
        steps = [{"solver": spec["solver"], "params_passed": spec.get("solver_args_passed") or spec.get("solver_args")}]
    solvers = " + ".join(_call(str(step.get("solver")), step.get("params_passed")) for step in steps)
    return to_name(_call(solvers, spec.get("task_args_passed") or spec.get("task_args")))


def _call(name: str, arguments: Any) -> str:
    """Return a solver with its arguments; of a strategy of this library its spec."""
    given = {key: ",".join(map(str, one)) if isinstance(one, list) else one for key, one in _mapping(arguments).items()}
    if name.rpartition("/")[2] == "solve_with" and "strategy" in given:
        return str(given["strategy"])
    inner = ", ".join(f"{key}={one!r}" for key, one in given.items() if not isinstance(one, dict))
    return f"{name}({inner})" if inner else name


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
