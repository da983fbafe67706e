"""The results of a folder as rows: one row for each solve, with columns that are documented and keep their meaning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.results.result import Result
from reasoning.errors import MissingExtra

if TYPE_CHECKING:
    from pandas import DataFrame

    from reasoning.benchmarks.results.folder import ResultsFolder

COLUMNS: Mapping[str, tuple[str, str]] = {
    "task": ("text", "the name of the task"),
    "model": ("text", "the name of the model"),
    "problem": ("text", "the id of the problem"),
    "strategy": ("text", "the spec of the strategy, or the name that an import gave it"),
    "epoch": ("integer", "the repetition, from 0"),
    "state": ("text", "answered, unparsed or failed"),
    "correct": ("boolean", "whether the answer is right; null for a failed call"),
    "value": ("text", "the answer; null without one"),
    "rule": ("text", "the rule that parsed it"),
    "reason": ("text", "why there is no answer"),
    "confidence": ("number", "the confidence from 0 to 1; null if none is stated"),
    "votes": ("list", "the candidates of a vote, each with its count"),
    "calls": ("integer", "the number of completions; null if it was not recorded"),
    "prompt_tokens": ("integer", "tokens of the prompts; null if they were not recorded"),
    "completion_tokens": ("integer", "tokens of the completions; null if they were not recorded"),
    "cached_tokens": ("integer", "prompt tokens from a prefix cache; null if tokens were not recorded"),
    "cache_write_tokens": ("integer", "prompt tokens written to a cache that charges for it; null as before"),
    "reasoning_tokens": ("integer", "completion tokens that were thought; null if tokens were not recorded"),
    "usd": ("number", "US dollars of all its draws; null if the price is unknown"),
    "seconds": ("number", "model time: the summed duration of its calls; null if it was not recorded"),
    "truncated": ("integer", "replies that a limit on tokens cut off"),
    "token_limit": ("integer", "the lowest of these limits; null if it is unknown"),
    "refused": ("integer", "replies that the model or the provider declined"),
    "family": ("text", "the name that similar problems share; null for none"),
    "kind": ("text", "the kind of answer"),
    "question": ("text", "the text of the question"),
    "target": ("text", "the right answer; several accepted ones are joined by ' or '"),
    "parser_version": ("integer", "the version of the parsing rules"),
    "fingerprint": ("text", "the version of the strategy, as a hash"),
}
"""The columns with their types and meanings; docs/reference/result-columns.md lists them."""


def to_rows(results: Iterable[Result], folder: ResultsFolder) -> Iterator[dict[str, Any]]:
    """Yield a row for each result, with the names of `COLUMNS`.

    Args:
        results: the results.
        folder: their folder. The cells of a problem that is missing there are null.
    """
    model_of = cache(folder.model_of)
    for result in results:
        usage, example = result.usage, folder.examples.get(result.problem)
        calls, tokens, seconds = (part not in result.unrecorded for part in ("calls", "tokens", "seconds"))
        yield {
            "task": folder.settings["task"],
            "model": model_of(result.strategy),
            "problem": result.problem,
            "strategy": result.strategy,
            "epoch": result.epoch,
            "state": result.state,
            "correct": result.correct,
            "value": result.value,
            "rule": result.rule or None,
            "reason": result.reason or None,
            "confidence": result.confidence,
            "votes": [{"value": value, "count": count} for value, count in result.votes],
            "calls": usage.calls if calls else None,
            "prompt_tokens": usage.prompt_tokens if tokens else None,
            "completion_tokens": usage.completion_tokens if tokens else None,
            "cached_tokens": usage.cached_tokens if tokens else None,
            "cache_write_tokens": usage.cache_write_tokens if tokens else None,
            "reasoning_tokens": usage.reasoning_tokens if tokens else None,
            "usd": usage.usd,
            "seconds": usage.seconds if seconds else None,
            "truncated": result.truncated,
            "token_limit": result.token_limit or None,
            "refused": result.refused,
            "family": result.family or None,
            "kind": example and example.problem.kind.name,
            "question": example and example.problem.question,
            "target": None if example is None else str(example.target),
            "parser_version": result.parser_version,
            "fingerprint": result.fingerprint,
        }


def to_frame(rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Return rows as a pandas DataFrame with the columns and types of `COLUMNS`; unknown values are missing.

    Raises:
        MissingExtra: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingExtra("a DataFrame", "bench", f"pandas ({error})") from None
    types = {"integer": "Int64", "number": "Float64", "boolean": "boolean"}
    frame = pandas.DataFrame(list(rows), columns=list(COLUMNS))
    return frame.astype({name: types[kind] for name, (kind, _) in COLUMNS.items() if kind in types})
