"""What came of one strategy on one problem, as it is stored."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from reasoning.answer import Answer, Answered, Failed
from reasoning.kinds import PARSER_VERSION
from reasoning.messages import Usage
from reasoning.problem import Example


class ResultKey(NamedTuple):
    """What is run once: a problem's id, a strategy's spec, and which repetition."""

    problem: str
    strategy: str
    epoch: int = 0


@dataclass(frozen=True)
class Result:
    """One (problem, strategy) result.

    Attributes:
        problem: the problem's id.
        strategy: the strategy's spec.
        fingerprint: of the strategy; see `reasoning.benchmarks.runs.fingerprint`.
        state: "answered", "unparsed" or "failed".
        correct: whether the answer is right; an unparsed one is not, a failed one has no verdict (None).
        value: the answer as the kind shows it.
        how: the rule that read it.
        why: why there is no value.
        confidence: the strategy's measure, if it has one.
        votes: the candidates and their counts, where there was a vote.
        usage: all draws that the strategy used.
        spent: those of them that were paid for when this was made.
        seconds: wall time of the solve.
        epoch: which independent repetition of the problem, from 0.
        parser_version: the version of the rules that read and scored it; see `reasoning.kinds.PARSER_VERSION`.
        family: the problem's; see `Example`.
    """

    problem: str
    strategy: str
    fingerprint: str
    state: str
    correct: bool | None
    value: str | None = None
    rule: str = ""
    reason: str = ""
    confidence: float | None = None
    votes: tuple[tuple[str, int], ...] = ()
    usage: Usage = field(default_factory=Usage)
    spent: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    epoch: int = 0
    parser_version: int = 1
    family: str = ""

    @classmethod
    def from_answer(cls, answer: Answer, example: Example, strategy: str, fingerprint: str, epoch: int = 0) -> Result:
        """The result that an answer is, scored."""
        kind, trace = example.problem.kind, answer.trace
        value = answer.value if isinstance(answer, Answered) else None
        votes = tuple((kind.show(one), count) for one, count in answer.votes.counts) if answer.votes else ()
        return cls(
            problem=str(example.problem.id),
            strategy=strategy,
            fingerprint=fingerprint,
            state=answer.state,
            correct=None if isinstance(answer, Failed) else bool(example.score(value)),
            value=None if value is None else kind.show(value),
            rule=getattr(answer, "rule", ""),
            reason=answer.reason,
            confidence=answer.confidence,
            votes=votes,
            usage=answer.usage,
            spent=trace.spent if trace else Usage(),
            seconds=round((trace.seconds if trace else None) or 0.0, 3),
            epoch=epoch,
            parser_version=PARSER_VERSION,
            family=str(example.family),
        )

    @property
    def key(self) -> ResultKey:
        """What it is the result of."""
        return ResultKey(self.problem, self.strategy, self.epoch)

    @property
    def cluster(self) -> Hashable:
        """What it has in common with other results: the problem's family, or where it has none the problem."""
        return ("family", self.family) if self.family else self.problem

    @property
    def failed(self) -> bool:
        """Whether a call did not come through: no wrong answer, and worth another try."""
        return self.state == "failed"

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """The inverse of `to_json`; fields of later versions are passed over.

        Raises:
            KeyError, TypeError, ValueError: a field is missing, of another type, or makes no sense.
        """
        given = _checked(data, _RESULT)
        if given["state"] not in _STATES or (given["state"] == "failed") != (given["correct"] is None):
            raise ValueError(f"the state {given['state']!r} with correct={given['correct']!r}")
        votes = tuple((str(candidate), count) for candidate, count in data.get("votes", ()))
        usage, spent = (Usage(**_checked(data[name], _USAGE)) for name in ("usage", "spent"))
        return cls(**given, votes=votes, usage=usage, spent=spent)


_NUMBER = (int, float)
_NONE = type(None)
_STATES = ("answered", "unparsed", "failed")
_RESULT: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("problem", "strategy", "fingerprint", "state", "rule", "reason", "family"), (str,)),
    "correct": (bool, _NONE),
    "value": (str, _NONE),
    "confidence": (*_NUMBER, _NONE),
    "seconds": _NUMBER,
    "epoch": (int,),
    "parser_version": (int,),
}
_USAGE: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("calls", "prompt_tokens", "completion_tokens", "cached_tokens", "seconds"), _NUMBER),
    "usd": (*_NUMBER, _NONE),
}


def _checked(data: Mapping[str, Any], types: Mapping[str, tuple[type, ...]]) -> dict[str, Any]:
    """The known fields, each of its type; numbers but for a confidence are finite and not negative."""
    given = {name: data[name] for name in types if name in data}
    for name, value in given.items():
        if type(value) not in types[name]:  # exactly: to Python true is a number
            raise TypeError(f"{name!r} is {value!r:.40}, not {' or '.join(one.__name__ for one in types[name])}")
        if type(value) in _NUMBER and name != "confidence" and not 0 <= value < float("inf"):
            raise ValueError(f"{name!r} is {value!r}")
    return given
