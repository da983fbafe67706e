"""The stored result of one strategy on one problem."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, NamedTuple

from reasoning.answer import Answer, Answered, Failed
from reasoning.files import parse_json_object
from reasoning.kinds import PARSER_VERSION, Code
from reasoning.messages import Completion
from reasoning.problem import Example
from reasoning.record_lines import dump_line, line_parser, to_dataclass
from reasoning.repetition import repeats_itself
from reasoning.sandbox.program_in_text import claims_output
from reasoning.text_safety import dump_json
from reasoning.truncation import is_only_reasoning
from reasoning.usage import COUNTS, Usage

FAILED = "failed"
STATES = ("answered", "unparsed", FAILED)
"""The states of a result."""


class ResultKey(NamedTuple):
    """The key of a result: a problem's id, a strategy's spec, and the repetition."""

    problem: str
    strategy: str
    epoch: int = 0


_NOTHING_UNRECORDED = b',"unrecorded":[]}\n'


@dataclass(frozen=True)
class Result:
    """The result of one strategy on one problem.

    Attributes:
        problem: the problem's id.
        strategy: the strategy's spec.
        fingerprint: the strategy's fingerprint; see `reasoning.benchmarks.runs.fingerprint`.
        state: "answered", "unparsed" or "failed".
        correct: True for a right answer, False for a wrong or unparsed one, None for a failed call.
        value: the answer as its kind displays it.
        rule: the rule that parsed it.
        reason: the reason if there is no value.
        confidence: the strategy's confidence from 0 to 1, if it states one.
        votes: the candidates with their counts, if there was a vote.
        usage: the usage of all draws of the solve.
        spent: the usage of those draws that were bought for this result.
        seconds: the wall time of the solve.
        epoch: the repetition of the problem, from 0.
        parser_version: the version of the rules that parsed and scored it; see
            `reasoning.kinds.PARSER_VERSION`.
        family: the problem's family; see `Example`.
        truncated: the number of its replies that a limit on tokens cut off.
        only_reasoning: the number of those of which the limit left nothing but reasoning.
        repetitive: the number of those that repeat themselves; see `reasoning.repetition`.
        token_limit: the lowest limit that cut a reply off, in tokens; 0 if it is not known.
        refused: the number of its replies that the model declined; 1 if the provider refused the
            prompt.
        claimed_outputs: the number of replies behind an answer that state the output of a program
            which did not run.
        unrecorded: the parts of the usage that are unknown, since another tool made the result and did not
            record them: "calls", "tokens", "seconds".
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
    truncated: int = 0
    only_reasoning: int = 0
    token_limit: int = 0
    refused: int = 0
    claimed_outputs: int = 0
    repetitive: int = 0
    unrecorded: tuple[str, ...] = ()

    @classmethod
    def from_answer(cls, answer: Answer, example: Example, strategy: str, fingerprint: str, epoch: int = 0) -> Result:
        """Score an answer, and return it as a result."""
        kind, trace = example.problem.kind, answer.trace
        value = answer.value if isinstance(answer, Answered) else None
        votes = tuple((kind.show(one), count) for one, count in answer.votes.counts) if answer.votes else ()
        replies = [reply for call in trace.calls() for reply in call.completions] if trace else []
        cut = [reply for reply in replies if reply.truncated]
        declined = sum(reply.finish_reason == "refusal" for reply in replies)
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
            truncated=len(cut),
            only_reasoning=sum(map(is_only_reasoning, cut)),
            token_limit=min((reply.max_tokens for reply in cut), default=0),
            refused=max(declined, int(isinstance(answer, Failed) and answer.refused)),
            claimed_outputs=_claimed_outputs(answer, example, replies),
            repetitive=sum(map(repeats_itself, cut)),
        )

    @property
    def key(self) -> ResultKey:
        """The key of this result."""
        return ResultKey(self.problem, self.strategy, self.epoch)

    @property
    def cluster(self) -> Hashable:
        """The group of similar results: the problem's family, or the problem itself if it has none."""
        return ("family", self.family) if self.family else self.problem

    @property
    def failed(self) -> bool:
        """Return whether a call failed. That is not a wrong answer, and the result is made again."""
        return self.state == FAILED

    @property
    def could_be_right(self) -> bool:
        """Return whether a limit on tokens, a refusal or a failure may have kept the answer from being right.

        A vote whose winner leads by more votes than there are such replies is decided without them.
        """
        return could_be_right(self.correct, self.failed, self.truncated + self.refused, self.votes, self.value)

    def to_json(self) -> dict[str, Any]:
        """Return plain data; `from_json` reads it back."""
        data = asdict(self)
        if not self.unrecorded:
            del data["unrecorded"]
        return data

    def to_line(self) -> bytes:
        """Return the line of a file; `parse_result` reads it back."""
        numbers = (
            self.confidence,
            self.seconds,
            self.usage.usd,
            self.usage.seconds,
            self.spent.usd,
            self.spent.seconds,
        )
        if all(number is None or math.isfinite(number) for number in numbers):
            line = dump_line(self, self.to_json)
            # The last field is left out if it is empty, as `to_json` does.
            return line if self.unrecorded else line.replace(_NOTHING_UNRECORDED, b"}\n")
        return dump_json(self.to_json(), compact=True).encode() + b"\n"

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """Return the result of `to_json`. Unknown fields are ignored.

        Raises:
            KeyError, TypeError, ValueError: a field is missing, has another type, or is out of range.
        """
        fields = _checked(data, _RESULT)
        # Results of earlier versions say it in words only.
        fields.setdefault("truncated", int("the reply was cut off" in fields.get("reason", "")))
        if fields["state"] not in STATES or (fields["state"] == FAILED) != (fields["correct"] is None):
            raise ValueError(f"the state {fields['state']!r} with correct={fields['correct']!r}")
        votes = tuple((str(candidate), count) for candidate, count in data.get("votes", ()))
        usage, spent = (Usage(**_checked(data[name], _USAGE)) for name in ("usage", "spent"))
        unrecorded = tuple(map(str, data.get("unrecorded", ())))
        return cls(**fields, votes=votes, usage=usage, spent=spent, unrecorded=unrecorded)


def could_be_right(
    correct: bool | None, failed: bool, lost: int, votes: Sequence[tuple[str, int]], value: str | None
) -> bool:
    """Return `Result.could_be_right` of its parts.

    Args:
        correct: whether the answer is right.
        failed: whether a call failed.
        lost: the number of replies that a limit cut off or that were refused.
        votes: the candidates with their counts.
        value: the answer.
    """
    if correct:
        return False
    if failed or not votes or value is None:
        return failed or lost > 0
    own = max((count for candidate, count in votes if candidate == value), default=0)
    others = max((count for candidate, count in votes if candidate != value), default=0)
    return lost > 0 and own - others <= lost


def parse_result(line: bytes, where: str) -> Result:
    """Parse a line of `results.jsonl`; see `parse_record`."""
    return to_dataclass(parse_record(line, where), Result)


def parse_record(line: bytes, where: str) -> Result:
    """Parse a line of `results.jsonl` as a record with the fields and properties of a result, in less time.

    Args:
        line: the line.
        where: the file and the line's number, for errors.

    Raises:
        InputError: the line is no JSON object.
        KeyError, TypeError, ValueError: a field is missing, has another type, or is out of range.
    """
    parsed = _line_parser()(line)
    if parsed is not None and parsed.state in STATES and (parsed.state == FAILED) == (parsed.correct is None):
        return parsed
    return Result.from_json(parse_json_object(line, where))


@cache
def _line_parser() -> Callable[[bytes], Result | None]:
    # `from_json` derives a missing number of truncated replies, and refuses a missing usage.
    return line_parser(Result, required=("truncated", "usage", "spent"))


def _claimed_outputs(answer: Answer, example: Example, replies: Sequence[Completion]) -> int:
    """Return the replies that state the output of a program, if no program ran and the answer is not code."""
    ran = answer.trace is not None and (getattr(answer, "rule", "") == "program" or answer.trace.has_stage("run"))
    if not isinstance(answer, Answered) or ran or isinstance(example.problem.kind, Code):
        return 0
    return sum(claims_output(reply.text) for reply in replies)


_NUMBER = (int, float)
_NONE = type(None)
_RESULT: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("problem", "strategy", "fingerprint", "state", "rule", "reason", "family"), (str,)),
    "correct": (bool, _NONE),
    "value": (str, _NONE),
    "confidence": (*_NUMBER, _NONE),
    "seconds": _NUMBER,
    **dict.fromkeys(("epoch", "parser_version", "token_limit"), (int,)),
    **dict.fromkeys(("truncated", "only_reasoning", "refused", "claimed_outputs", "repetitive"), (int,)),
}
_USAGE: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys((*COUNTS, "seconds"), _NUMBER),
    "usd": (*_NUMBER, _NONE),
}


def _checked(data: Mapping[str, Any], types: Mapping[str, tuple[type, ...]]) -> dict[str, Any]:
    """Return the known fields after checking their types and ranges: numbers are finite and at least 0."""
    fields = {name: data[name] for name in types if name in data}
    for name, value in fields.items():
        # `isinstance` would accept a bool as a number.
        if type(value) not in types[name]:
            raise TypeError(f"{name!r} is {value!r:.40}, not {' or '.join(one.__name__ for one in types[name])}")
        if type(value) in _NUMBER and name != "confidence" and not 0 <= value < float("inf"):
            raise ValueError(f"{name!r} is {value!r}")
    return fields
