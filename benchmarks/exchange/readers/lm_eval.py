"""Samples of lm-evaluation-harness (`--log_samples`): one JSON line for each problem and filter."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from reasoning.benchmarks.exchange.solves import Solve, SolveLog, choose, to_name, to_score
from reasoning.data_files import read_jsonl
from reasoning.errors import InputError
from reasoning.messages import Message

_NAME = re.compile(r"samples_(.+?)_\d{4}-\d\d-\d\dT[\d.:-]+")
_PREFERRED = ("exact_match", "acc", "em", "pass@1")
_INVALID = "[invalid]"
"""The result of the filters of the tool if a reply has no answer."""
_QUESTIONS = ("question", "query", "problem", "input", "prompt", "text", "ctx")


def read(path: str, score: str = "") -> SolveLog:
    """Read the samples of one task.

    Args:
        path: the file, as `samples_TASK_TIME.jsonl` next to `results_TIME.json`, from which the model and the
            version are read if it is there.
        score: the metric, or "METRIC,FILTER"; empty for the first.

    Raises:
        InputError: a line is no sample, or there is no such metric; names the line.
    """
    lines = list(read_jsonl(path))
    known = _scores(lines, path)
    wanted = next((one for one in known if one.split(",")[0] == score), score)
    chosen = choose(wanted, known, path, "metric")
    metric, _, chosen_filter = chosen.partition(",")
    solves = []
    for number, sample in lines:
        if str(sample.get("filter", "none")) == chosen_filter:
            where = f"{path}:{number}"
            try:
                solves.append(_solve(sample, metric, where))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise InputError(f"{where}: not a sample of lm-evaluation-harness: {error}") from None
    others = [one for one in known if one != chosen]
    notes = [f"The samples have further scores, which were not read: {'; '.join(others)}."] if others else []
    if (draws := max((len(solve.replies) for solve in solves), default=0)) > 1:
        notes.append(
            f"A problem has {draws} replies: the tool scores what its filter {chosen_filter!r} makes of them, and "
            "reading them again takes their vote."
        )
    results = _results(Path(path))
    match = _NAME.match(Path(path).name)
    generated = any(solve.replies for solve in solves)
    return SolveLog(
        path,
        f"lm-evaluation-harness {to_name(results.get('lm_eval_version'), 'of unknown version')}",
        task=to_name(match[1] if match else ""),
        model=_model(results),
        scorer=chosen,
        solves=solves,
        notes=notes,
        reads_answers=True,
        # Options that were scored by their likelihood cannot be cut off.
        knows_truncation=not generated,
    )


def _scores(lines: Sequence[tuple[int, Mapping[str, Any]]], path: str) -> list[str]:
    """Return the scores as "METRIC,FILTER", the usual ones first."""
    found: dict[str, None] = {}
    for number, sample in lines:
        if "doc_id" not in sample or "doc" not in sample:
            raise InputError(f"{path}:{number}: not a sample of lm-evaluation-harness: 'doc_id' or 'doc' is missing")
        names = sample.get("metrics") or [name for name in _PREFERRED if name in sample]
        for name in names if isinstance(names, list) else ():
            value = sample.get(name) if isinstance(name, str) else None
            if isinstance(value, bool | int | float):
                found[f"{name},{sample.get('filter', 'none')}"] = None
    order = {name: index for index, name in enumerate(_PREFERRED)}
    return sorted(found, key=lambda one: order.get(one.split(",")[0], len(order)))


def _solve(sample: Mapping[str, Any], metric: str, where: str) -> Solve:
    doc = sample["doc"]
    replies, likelihoods = _replies(sample.get("resps") or [])
    messages = _prompt(sample.get("arguments"))
    options: tuple[str, ...] = ()
    target: Any = sample.get("target")
    answer, unread = _answer(sample.get("filtered_resps")), False
    if likelihoods:
        options = tuple(_option(argument) for argument in _arguments(sample.get("arguments")))
        # A single option, as in tasks of cloze form, is scored and not chosen.
        chosen = likelihoods.index(max(likelihoods)) if 1 < len(options) == len(likelihoods) <= 26 else None
        answer = None if chosen is None else chr(ord("A") + chosen)
        if isinstance(target, int | str) and str(target).isdecimal() and int(target) < len(options) <= 26:
            target = chr(ord("A") + int(target))
    elif answer == _INVALID:
        answer, unread = None, True
    score = to_score(sample.get(metric), where, metric)
    return Solve(
        where,
        question=_question(doc, messages),
        target=target,
        id=str(sample["doc_id"]),
        # A template changes the prompt and not the problem.
        identity=str(sample.get("doc_hash") or ""),
        options=options if len(set(options)) == len(options) and len(options) <= 26 else (),
        messages=messages,
        replies=replies,
        answer=answer,
        unread=unread,
        score=score,
        reason=f"the filter found no answer ({_INVALID})" if unread else "" if score is not None else "not scored",
    )


def _replies(resps: Any) -> tuple[tuple[str, ...], list[float]]:
    """Return the generated replies, or else the log-likelihoods of the options."""
    if all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in resps):
        texts = [text for one in resps for text in one]
        if len(resps) < 2 or any(not _is_number(one[0]) for one in resps if one):
            return tuple(texts), []
    likelihoods = []
    for one in resps:
        while isinstance(one, list) and one:
            one = one[0]
        with suppress(ValueError, TypeError):
            likelihoods.append(float(one))
    return (), likelihoods if len(likelihoods) == len(resps) else []


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        float(text)
        return True
    return False


def _arguments(arguments: Any) -> list[Sequence[Any]]:
    """Return the arguments of each request: the prompt and the settings or the option."""
    if isinstance(arguments, Mapping):
        parts = [one for one in arguments.values() if isinstance(one, Mapping)]
        return [tuple(part[name] for name in sorted(part)) for part in parts]
    return [one for one in arguments or () if isinstance(one, list)]


def _option(argument: Sequence[Any]) -> str:
    return str(argument[1]).strip() if len(argument) > 1 else ""


def _prompt(arguments: Any) -> tuple[Message, ...]:
    """Return the prompt of the first request, as one turn or as the chat that it is."""
    listed = _arguments(arguments)
    prompt = listed[0][0] if listed and listed[0] else ""
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        prompt = prompt[0]
        with suppress(ValueError, RecursionError):
            prompt = json.loads(prompt)
    if isinstance(prompt, list) and all(isinstance(turn, Mapping) for turn in prompt):
        turns = [Message(str(turn.get("role")), str(turn.get("content"))) for turn in prompt]
        return tuple(turn for turn in turns if turn.role in ("system", "user", "assistant"))
    return (Message("user", prompt),) if isinstance(prompt, str) and prompt else ()


def _question(doc: Any, messages: Sequence[Message]) -> str:
    """Return the question of the data set, or else the last turn of the prompt."""
    if isinstance(doc, Mapping):
        found = next((doc[name] for name in _QUESTIONS if isinstance(doc.get(name), str) and doc[name].strip()), None)
        if found:
            return str(found)
    return next((turn.content for turn in reversed(messages) if turn.role == "user"), str(doc)[:2000])


def _answer(filtered: Any) -> str | None:
    while isinstance(filtered, list) and filtered:
        filtered = filtered[0]
    return str(filtered) if isinstance(filtered, str | int | float) else None


def _model(results: Mapping[str, Any]) -> str:
    """Return the name of the model: the argument, or else how the tool reaches it."""
    config = results.get("config")
    config = config if isinstance(config, Mapping) else {}
    arguments = config.get("model_args")
    named = arguments.get("model") or arguments.get("pretrained") if isinstance(arguments, Mapping) else None
    return to_name(named or config.get("model") or results.get("model_name"))


def _results(path: Path) -> Mapping[str, Any]:
    """Return the results that were written with the samples; empty if they are not there."""
    from reasoning.benchmarks.exchange.readers.json_file import read_json

    stamp = path.stem.rpartition("_")[2]
    other = path.with_name(f"results_{stamp}.json")
    if not other.is_file():
        return {}
    data = read_json(str(other))
    return data if isinstance(data, Mapping) else {}
