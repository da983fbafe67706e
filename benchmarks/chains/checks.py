"""What a value must be: one check of a case, and what it says."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.chains import json_path
from reasoning.benchmarks.chains.llm_judge import judge
from reasoning.chain.code_loader import Code, Named
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
"""From which score on a check is passed that says nothing about it; else 1."""


@dataclass(frozen=True)
class CheckResult:
    """What a check says of a value.

    Attributes:
        score: from 0 to 1; None where it could not be told, such as by a judge whose call failed.
        passed: whether that is enough.
        why: what is wrong; empty where it is passed.
        agreed: of a judge, whether it said the same in both orders.
    """

    score: float | None
    passed: bool | None
    reason: str = ""
    judge_agreed: bool | None = None


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        on: the step whose value it is about.
        stated: what it says, as the file has it.
        where: file and line.
        function: what `by` names.
    """

    on: str
    definition: Mapping[str, Any]
    where: str
    function: Callable[..., Any] | None = field(default=None, compare=False)

    @property
    def method(self) -> str:
        """Which of `METHODS`; "path" where a place only has to be there."""
        return next((way for way in METHODS if way in self.definition), "path")

    @property
    def needs_gold(self) -> bool:
        """Whether it needs the right value of its step."""
        said = self.definition.get("similarity")
        return said is not None and not (isinstance(said, Mapping) and "to" in said)

    @property
    def threshold(self) -> float:
        """The score from which on it is passed."""
        return float(self.definition.get("at_least", DEFAULT_THRESHOLDS.get(self.method, 1.0)))

    async def evaluate(self, value: Any, gold: Any, kind: Kind, llm: LLM | None) -> CheckResult:
        """What it says of a value.

        Args:
            value: the step's value.
            gold: the right one; None where none is known.
            kind: the step's kind, which shows and compares values.
            llm: the model that judges.
        """
        found = (
            json_path.select(plain_json(value), json_path.parse_path(self.definition["path"]))
            if "path" in self.definition
            else [value]
        )
        if not found and self.method != "lacks":
            return self._said(0.0, f"there is nothing at {self.definition['path']}")
        if self.method == "judge":
            return await self._judged(value, gold, kind, llm)
        verdicts = [self._one(one, gold, kind) for one in found]
        worst = min(verdicts, key=lambda one: one[0], default=(1.0, ""))
        return self._said(*worst)

    def _said(self, score: float, why: str) -> CheckResult:
        passed = score >= self.threshold - 1e-9
        return CheckResult(score, passed, "" if passed else f"{self.on}: {why}")

    def _one(self, value: Any, gold: Any, kind: Kind) -> tuple[float, str]:
        part = "path" in self.definition
        text = value if isinstance(value, str) else json.dumps(plain_json(value), ensure_ascii=False, default=str)
        text = text if part else kind.show(value)
        stated: Any = self.definition.get(self.method)
        match self.method:
            case "path":
                return 1.0, ""
            case "equals":
                same = plain_json(value) == plain_json(stated) if part else kind.score(value, kind.target(stated))
                wanted = stated if part else kind.show(kind.target(stated))
                return float(same), f"{text:.300} and not {wanted!s:.300}"
            case "contains":
                missing = [one for one in _several(stated) if one.casefold() not in text.casefold()]
                return 1 - len(missing) / len(
                    _several(stated)
                ), f"{', '.join(map(repr, missing))} is not in {text:.300}"
            case "contains_any":
                has = any(one.casefold() in text.casefold() for one in _several(stated))
                return float(has), f"none of {', '.join(map(repr, _several(stated)))} is in {text:.300}"
            case "lacks":
                there = [one for one in _several(stated) if one.casefold() in text.casefold()]
                return float(not there), f"{', '.join(map(repr, there))} is in {text:.300}"
            case "schema":
                wrong = list(islice(schema_errors(plain_json(value), stated), 3))
                return float(not wrong), "; ".join(wrong)
            case "similarity":
                measure, to = (stated, gold) if isinstance(stated, str) else (stated["measure"], stated.get("to", gold))
                score = MEASURES[measure](plain_json(value), plain_json(to))
                return (
                    score,
                    f"{text:.300} is like {plain_json(to)!s:.300} to {score:.2f} ({measure}), not {self.threshold:g}",
                )
        return self._by(value, gold)

    def _by(self, value: Any, gold: Any) -> tuple[float, str]:
        """What the chain's own function says: a score, whether it is right, or what is wrong."""
        assert self.function is not None
        name = self.function.__name__
        try:
            said = self.function(value, gold) if _takes_two(self.function) else self.function(value)
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(f"{self.where}: {name} went wrong: {type(error).__name__}: {error}") from error
        if said is None or isinstance(said, str):
            return float(not said), said or ""
        if isinstance(said, bool | int | float) and 0 <= said <= 1:
            beside = f"{plain_json(value)!s:.200}, and right is {plain_json(gold)!s:.200}"
            return float(said), f"{name} gives {float(said):.2f}, not {self.threshold:g}: {beside}"
        raise UsageError(f"{self.where}: {name} gave {said!r:.60}: a score from 0 to 1, a bool, or what is wrong")

    async def _judged(self, value: Any, gold: Any, kind: Kind, llm: LLM | None) -> CheckResult:
        if llm is None:
            raise UsageError(f"{self.where}: a judge needs a model")
        stated = self.definition["judge"]
        stated = {"rubric": stated} if isinstance(stated, str) else stated
        right = None if gold is None else kind.show(gold)
        found = await judge(stated["rubric"], kind.show(value), right, llm, stated.get("model"))
        if found.score is None:
            return CheckResult(None, None, f"{self.on}: {found.reason}")
        order = "" if found.agreed else " in one order of two"
        said = self._said(found.score, f"the judge refuses it{order}: {stated['rubric']:.100}")
        return CheckResult(said.score, said.passed, said.reason, found.agreed)


def parse_check(on: str, stated: Mapping[str, Any], where: str, code: Code) -> Check:
    """A check that was read from a file.

    Raises:
        UsageError: it makes no sense.
    """
    ways = [way for way in METHODS if way in stated]
    if len(ways) > 1 or (not ways and "path" not in stated):
        has = f"it has {' and '.join(ways)}" if ways else "it has none"
        raise UsageError(f"a check is one of {', '.join(METHODS)}, or a path that must be there: {has}")
    way = ways[0] if ways else "path"
    if "path" in stated:
        json_path.parse_path(_text(stated["path"], "path"))
        if way == "judge":
            raise UsageError("a judge sees the whole value: no path")
    if not isinstance(stated.get("at_least", 1), int | float) or not 0 <= stated.get("at_least", 1) <= 1:
        raise UsageError(f"at_least={stated['at_least']!r}: a score from 0 to 1")
    if way in ("contains", "contains_any", "lacks") and not _several(stated[way]):
        raise UsageError(f"{way} is a text, or a list of texts, not {stated[way]!r:.60}")
    function = None
    if way == "schema":
        stated = {**stated, "schema": _schema(stated["schema"], code)}
    if way == "similarity":
        said = stated["similarity"]
        measure = said.get("measure") if isinstance(said, Mapping) else said
        if measure not in MEASURES:
            raise UnknownName("measure of similarity", str(measure), MEASURES)
    if way == "by":
        function = code.get(_text(stated["by"], "by"))
        if isinstance(function, Named):
            raise UsageError(f"the check names code, {stated['by']}, that was not imported: --allow-code")
    if way == "judge":
        said = stated["judge"]
        _text(said.get("rubric") if isinstance(said, Mapping) else said, "judge")
    return Check(on, dict(stated), where, function)


def _schema(given: Any, code: Code) -> Any:
    found = code.get(given) if isinstance(given, str) else given
    json_schema(found)
    return found


def _text(given: Any, key: str) -> str:
    if not isinstance(given, str) or not given.strip():
        raise UsageError(f"{key} is a text, not {given!r:.60}")
    return given


def _several(given: Any) -> list[str]:
    """One text or several; nothing where it is neither."""
    texts = given if isinstance(given, list | tuple) else [given]
    return list(texts) if all(isinstance(one, str) and one for one in texts) else []


def _takes_two(function: Callable[..., Any]) -> bool:
    return len(inspect.signature(function).parameters) > 1
