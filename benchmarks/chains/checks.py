"""Checks of a case, which score the value of a step."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.chains import json_path
from reasoning.benchmarks.chains.llm_judge import judge
from reasoning.chain.code_loader import CodeLoader, UnresolvedFunction
from reasoning.chain.similarity import MEASURES
from reasoning.chain.validators import plain_json
from reasoning.errors import UnknownName, UsageError
from reasoning.kinds import Kind
from reasoning.kinds.json_schema import json_schema, schema_errors

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM

METHODS = ("equals", "contains", "contains_any", "lacks", "schema", "similarity", "by", "judge")
KEYS = ("on", "path", "at_least", *METHODS)
DEFAULT_THRESHOLDS = {"similarity": 0.8}
"""The lowest score that passes, by method, if a check does not set `at_least`; 1 for every other method."""


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Attributes:
        score: from 0 to 1; None if it is unknown, for example because a judge's call failed.
        passed: whether the score reaches the threshold; None if the score is unknown.
        reason: the reason of the failure; "" if the check passed.
        judge_agreed: for a judge, whether both orders gave the same decision.
    """

    score: float | None
    passed: bool | None
    reason: str = ""
    judge_agreed: bool | None = None


@dataclass(frozen=True)
class Check:
    """One check of a step's value.

    Attributes:
        on: the name of the step.
        definition: the check's table, as written in the file.
        where: file and line.
        function: the function that `by` names.
    """

    on: str
    definition: Mapping[str, Any]
    where: str
    function: Callable[..., Any] | None = field(default=None, compare=False)

    @property
    def method(self) -> str:
        """The method, one of `METHODS`, or "path" for a path that only has to exist."""
        return next((method for method in METHODS if method in self.definition), "path")

    @property
    def needs_gold(self) -> bool:
        """True if the check compares with the gold value of its step."""
        similarity = self.definition.get("similarity")
        return similarity is not None and not (isinstance(similarity, Mapping) and "to" in similarity)

    @property
    def threshold(self) -> float:
        """The lowest score that passes."""
        return float(self.definition.get("at_least", DEFAULT_THRESHOLDS.get(self.method, 1.0)))

    async def evaluate(self, value: Any, gold: Any, kind: Kind, llm: LLM | None) -> CheckResult:
        """Return the result of the check for a value.

        Args:
            value: the step's value.
            gold: the step's gold value, if known.
            kind: the step's kind, which shows and compares values.
            llm: the model that judges; only needed by the method "judge".

        Raises:
            UsageError: the check's function raised or returned something that is not a score, or a
                judge has no model.
        """
        values = [value]
        if "path" in self.definition:
            values = json_path.select(plain_json(value), json_path.parse_path(self.definition["path"]))
        if not values and self.method != "lacks":
            return self._result(0.0, f"there is nothing at {self.definition['path']}")
        if self.method == "judge":
            return await self._judge(value, gold, kind, llm)
        scores = [self._score(item, gold, kind) for item in values]
        worst = min(scores, key=lambda scored: scored[0], default=(1.0, ""))
        return self._result(*worst)

    def _result(self, score: float, reason: str) -> CheckResult:
        passed = score >= self.threshold - 1e-9
        return CheckResult(score, passed, "" if passed else f"{self.on}: {reason}")

    def _score(self, value: Any, gold: Any, kind: Kind) -> tuple[float, str]:
        """Return the score of one value, and the reason to show if the score is too low."""
        is_part = "path" in self.definition
        text = value if isinstance(value, str) else json.dumps(plain_json(value), ensure_ascii=False, default=str)
        text = text if is_part else kind.show(value)
        wanted: Any = self.definition.get(self.method)
        match self.method:
            case "path":
                return 1.0, ""
            case "equals" if is_part:
                return float(plain_json(value) == plain_json(wanted)), f"got {text:.300}, expected {wanted!s:.300}"
            case "equals":
                target = kind.target(wanted)
                return float(kind.score(value, target)), f"got {text:.300}, expected {kind.show(target):.300}"
            case "contains":
                texts = _texts(wanted)
                missing = [part for part in texts if part.casefold() not in text.casefold()]
                return 1 - len(missing) / len(texts), f"{', '.join(map(repr, missing))} is not in {text:.300}"
            case "contains_any":
                texts = _texts(wanted)
                contained = any(part.casefold() in text.casefold() for part in texts)
                return float(contained), f"none of {', '.join(map(repr, texts))} is in {text:.300}"
            case "lacks":
                present = [part for part in _texts(wanted) if part.casefold() in text.casefold()]
                return float(not present), f"{', '.join(map(repr, present))} is in {text:.300}"
            case "schema":
                errors = list(islice(schema_errors(plain_json(value), wanted), 3))
                return float(not errors), "; ".join(errors)
            case "similarity":
                measure, to = (wanted, gold) if isinstance(wanted, str) else (wanted["measure"], wanted.get("to", gold))
                score = MEASURES[measure](plain_json(value), plain_json(to))
                return score, (
                    f"the similarity ({measure}) of {text:.300} to {plain_json(to)!s:.300} must be at least "
                    f"{self.threshold:g}, got {score:.2f}"
                )
        return self._call(value, gold)

    def _call(self, value: Any, gold: Any) -> tuple[float, str]:
        """Call the chain's own function, and return its score and the reason to show if the score is too low."""
        assert self.function is not None
        name = self.function.__name__
        try:
            result = self.function(value, gold) if _takes_gold(self.function) else self.function(value)
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(f"{self.where}: {name} raised {type(error).__name__}: {error}") from error
        if result is None or isinstance(result, str):
            return float(not result), result or ""
        if isinstance(result, bool | int | float) and 0 <= result <= 1:
            values = f"{plain_json(value)!s:.200}, gold {plain_json(gold)!s:.200}"
            return float(result), f"{name} must give at least {self.threshold:g}, got {float(result):.2f}: {values}"
        raise UsageError(
            f"{self.where}: {name} must return a score from 0 to 1, a bool, or what is wrong, got {result!r:.60}"
        )

    async def _judge(self, value: Any, gold: Any, kind: Kind, llm: LLM | None) -> CheckResult:
        if llm is None:
            raise UsageError(f"{self.where}: a judge needs a model")
        definition = self.definition["judge"]
        definition = {"rubric": definition} if isinstance(definition, str) else definition
        rubric, gold_text = definition["rubric"], None if gold is None else kind.show(gold)
        judgement = await judge(rubric, kind.show(value), gold_text, llm, definition.get("model"))
        if judgement.score is None:
            return CheckResult(None, None, f"{self.on}: {judgement.reason}")
        order = "" if judgement.agreed else " in one of two orders"
        result = self._result(judgement.score, f"the judge rejects it{order}: {rubric:.100}")
        return CheckResult(result.score, result.passed, result.reason, judgement.agreed)


def parse_check(on: str, definition: Mapping[str, Any], where: str, code: CodeLoader) -> Check:
    """Return the check that a table of a file defines.

    Args:
        on: the name of the step.
        definition: the table.
        where: file and line.
        code: resolves the functions and schemas that the chain's folder defines.

    Raises:
        UsageError: the definition is invalid.
    """
    methods = [method for method in METHODS if method in definition]
    if len(methods) > 1 or (not methods and "path" not in definition):
        got = " and ".join(methods) if methods else "none"
        raise UsageError(f"a check must have exactly one of {', '.join(METHODS)}, or a path that must exist; got {got}")
    method = methods[0] if methods else "path"
    if "path" in definition:
        json_path.parse_path(_text(definition["path"], "path"))
        if method == "judge":
            raise UsageError("a judge sees the whole value: remove path")
    at_least = definition.get("at_least", 1)
    if not isinstance(at_least, int | float) or not 0 <= at_least <= 1:
        raise UsageError(f"at_least must be a score from 0 to 1, got {at_least!r}")
    if method in ("contains", "contains_any", "lacks") and not _texts(definition[method]):
        raise UsageError(f"{method} must be a text or a list of texts, got {definition[method]!r:.60}")
    function = None
    if method == "schema":
        definition = {**definition, "schema": _schema(definition["schema"], code)}
    if method == "similarity":
        similarity = definition["similarity"]
        measure = similarity.get("measure") if isinstance(similarity, Mapping) else similarity
        if measure not in MEASURES:
            raise UnknownName("measure of similarity", str(measure), MEASURES)
    if method == "by":
        function = code.resolve(_text(definition["by"], "by"))
        if isinstance(function, UnresolvedFunction):
            raise UsageError(f"the check needs the function {definition['by']}, which was not imported: --allow-code")
    if method == "judge":
        rubric = definition["judge"]
        _text(rubric.get("rubric") if isinstance(rubric, Mapping) else rubric, "judge")
    return Check(on, dict(definition), where, function)


def _schema(value: Any, code: CodeLoader) -> Any:
    schema = code.resolve(value) if isinstance(value, str) else value
    json_schema(schema)
    return schema


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{key} must be a text, got {value!r:.60}")
    return value


def _texts(value: Any) -> list[str]:
    """Return one or several texts as a list; an empty list if the value is neither."""
    texts = value if isinstance(value, list | tuple) else [value]
    return list(texts) if all(isinstance(text, str) and text for text in texts) else []


def _takes_gold(function: Callable[..., Any]) -> bool:
    return len(inspect.signature(function).parameters) > 1
