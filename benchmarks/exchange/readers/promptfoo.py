"""Results of promptfoo (`promptfoo eval -o results.json`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reasoning.benchmarks.exchange.readers.json_file import read_json
from reasoning.benchmarks.exchange.solves import Solve, SolveLog, to_count, to_name, to_score, to_seconds
from reasoning.errors import InputError
from reasoning.messages import Message, Usage

VERSION = 3
"""The version of the form that is read."""
_ERROR = 2
"""The reason of a failure that is an error of a call, and not a failed assertion."""
_QUESTIONS = ("question", "query", "problem", "input", "prompt", "text", "message")
_TARGETS = ("answer", "target", "expected", "reference", "label", "solution", "ideal")
_COMPARING = ("equals", "contains", "icontains", "answer-relevance", "similar", "is-json")


def read(path: str, score: str = "") -> SolveLog:
    """Read the results of an evaluation; each prompt of each provider is a strategy.

    Args:
        path: the file.
        score: a named score; "score" for the number that promptfoo gives; empty for pass or fail.

    Raises:
        InputError: the file has another form or version, or there is no such score; names the row.
    """
    data = read_json(path)
    body = data.get("results") if isinstance(data, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(body.get("results"), list):
        raise InputError(f"{path}: not results of promptfoo: write them with `promptfoo eval -o results.json`")
    if body.get("version") != VERSION:
        version = to_name(body.get("version"), "unknown")
        raise InputError(f"{path}: the form has version {version}; version {VERSION} is read: export it with a new one")
    prompts = {_label(row) for row in body["results"] if isinstance(row, Mapping)}
    solves = []
    for number, row in enumerate(body["results"]):
        where = f"{path}: results[{number}]"
        try:
            solves.append(_solve(row, score, where, several=len(prompts) > 1))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{where}: damaged: {type(error).__name__}: {error}") from None
    if not solves:
        raise InputError(f"{path}: there are no results in the file")
    config = data.get("config") if isinstance(data.get("config"), Mapping) else {}
    metadata = data.get("metadata") if isinstance(data.get("metadata"), Mapping) else {}
    providers = dict.fromkeys(_provider(row) for row in body["results"])
    return SolveLog(
        path,
        f"promptfoo {to_name(metadata.get('promptfooVersion'), 'of unknown version')}",
        task=to_name(config.get("description"), Path(path).stem),
        model=next(iter(providers)) if len(providers) == 1 else "",
        scorer=score or "pass",
        solves=solves,
        knows_truncation=all(map(_has_reason, body["results"])),
    )


def _solve(row: Mapping[str, Any], score: str, where: str, *, several: bool) -> Solve:
    response = _mapping(row.get("response"))
    variables = _mapping(row.get("vars"))
    raw = _mapping(row.get("prompt")).get("raw", "")
    output = response.get("output")
    reply = output if isinstance(output, str) else None if output is None else json.dumps(output, ensure_ascii=False)
    failure = _failure(row, reply)
    value = None if failure else to_score(_score(row, score, where), where, score or "pass")
    finish = str(response.get("finishReason", ""))
    question = next((variables[name] for name in _QUESTIONS if isinstance(variables.get(name), str)), None)
    guarded = _mapping(response.get("guardrails")).get("flagged") is True
    usage, unrecorded = _usage(row, response)
    return Solve(
        where,
        question=question or "\n".join(f"{name}: {one}" for name, one in variables.items()) or str(raw),
        target=_target(variables, _mapping(row.get("testCase"))),
        id=str(row["testIdx"]),
        # Two prompts show one test in two ways.
        identity=json.dumps(variables, sort_keys=True, ensure_ascii=False),
        variant=f"{_provider(row)} · {_label(row)}" if several else _provider(row),
        messages=_prompt(raw),
        replies=() if reply is None else (reply,),
        score=value,
        reason=failure,
        truncated=int(finish in ("length", "max_tokens")),
        refused=int(response.get("isRefusal") is True or guarded or finish in ("content_filter", "refusal")),
        usage=usage,
        unrecorded=unrecorded,
    )


def _score(row: Mapping[str, Any], score: str, where: str) -> Any:
    if not score:
        return row["success"]
    if score == "score":
        return row["score"]
    named = _mapping(row.get("namedScores"))
    if score not in named:
        known = ", ".join(["score", *map(str, named)])
        raise InputError(f"{where}: there is no score {score!r}; give one of these to --score: {known}")
    return named[score]


def _failure(row: Mapping[str, Any], reply: str | None) -> str:
    """Return why a row does not count: a call failed, or an assertion could not be computed; empty if it does."""
    error = _mapping(row.get("response")).get("error") or row.get("error")
    if row.get("failureReason") == _ERROR or reply is None:
        return f"error: {to_name(error, 'no reply')}"
    return ""


def _usage(row: Mapping[str, Any], response: Mapping[str, Any]) -> tuple[Usage, tuple[str, ...]]:
    tokens = _mapping(response.get("tokenUsage"))
    prompt, completion = to_count(tokens.get("prompt")), to_count(tokens.get("completion"))
    details = _mapping(tokens.get("completionDetails"))
    missing = [] if prompt or completion else ["tokens"]
    # For a reply of its cache, the tool measures the time of the cache. A cost of 0 is that of an unknown price.
    seconds = None if response.get("cached") else to_seconds(row.get("latencyMs"))
    missing += ["seconds"] if seconds is None else []
    usage = Usage(
        max(1, to_count(tokens.get("numRequests"))),
        prompt,
        completion,
        to_count(details.get("cacheReadInputTokens")),
        to_seconds(row.get("cost")) or None,
        (seconds or 0.0) / 1000,
        to_count(details.get("reasoning")),
    )
    return usage, tuple(missing)


def _has_reason(row: Any) -> bool:
    response = _mapping(_mapping(row).get("response"))
    return bool(response.get("finishReason")) or response.get("output") is None


def _target(variables: Mapping[str, Any], test: Mapping[str, Any]) -> Any:
    found = next((variables[name] for name in _TARGETS if variables.get(name) not in (None, "")), None)
    if found is not None:
        return found
    asserts = [_mapping(one) for one in test.get("assert") or ()]
    comparing = [one for one in asserts if one.get("type") in _COMPARING and isinstance(one.get("value"), str)]
    return comparing[0]["value"] if len(comparing) == 1 else None


def _prompt(raw: Any) -> tuple[Message, ...]:
    """Return the prompt as one turn, or as the chat that it is in JSON."""
    if isinstance(raw, str) and raw.lstrip().startswith("["):
        try:
            turns = [Message(str(turn["role"]), str(turn["content"])) for turn in json.loads(raw)]
        except (ValueError, KeyError, TypeError, RecursionError):
            turns = []
        if turns and all(turn.role in ("system", "user", "assistant") for turn in turns):
            return tuple(turns)
    return (Message("user", str(raw)),)


def _label(row: Mapping[str, Any]) -> str:
    prompt = _mapping(row.get("prompt"))
    return to_name(prompt.get("label") or prompt.get("raw"))


def _provider(row: Any) -> str:
    provider = _mapping(_mapping(row).get("provider"))
    return to_name(provider.get("label") or provider.get("id"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
