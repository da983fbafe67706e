"""The recordings that are parsed again: the kind of answer of each, and the causes of differences from its authors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reasoning.kinds import Choice, Kind, Number, Text, YesNo
from reasoning.kinds.date import Date
from tests.replay import causes
from tests.replay.causes import Cause
from tests.replay.lines import Sample, first_number, lines

INVALID = "[invalid]"


@dataclass(frozen=True)
class Recording:
    """A recording and how it is compared.

    Attributes:
        name: the name of its file.
        kind: returns the kind of answer of a line.
        recorded: returns the authors' answer as text; None if they parsed nothing. None instead of
            a function if their answers were not stored, but only whether they were right.
        value: converts their answer to a value of the kind.
        causes: the causes of differences; the first that applies to a sample is its cause.
        residue: the ids of samples to which no cause applies, each with a reason found by hand.
        likewise: the authors' rule for the text behind the last trigger; applied to our statement
            it must give their value.
        key: the field of a line with the authors' answer; "sample_predictions" is a list with one
            for each sample.
    """

    name: str
    kind: Callable[[Mapping[str, Any]], Kind]
    recorded: Callable[[Any], str | None] | None
    value: Callable[[str, Kind], Any]
    causes: tuple[Cause, ...] = ()
    residue: Mapping[str, str] = field(default_factory=dict)
    likewise: Callable[[str], Any] | None = None
    key: str = "recorded_prediction"

    def samples(self) -> Iterator[Sample]:
        """Yield every reply of the recording."""
        for line in lines(self.name):
            kind, counted = self.kind(line), line["recorded_correct"]
            given: Any = line.get(self.key)
            several = self.key == "sample_predictions"
            for at, text in enumerate(line["samples"]):
                recorded = self.recorded(given[at] if several else given) if self.recorded else None
                yield Sample(
                    f"{line['id']}.{at}" if several else line["id"],
                    text,
                    line["reference"],
                    kind,
                    recorded,
                    None if recorded is None else self.value(recorded, kind),
                    line["sample_correct"][at] if several else counted,
                )


def _number(_: Mapping[str, Any]) -> Kind:
    return Number()


def _unless_invalid(given: Any) -> str | None:
    return None if given in (None, INVALID) else str(given)


def _first(text: str, _: Kind) -> float | None:
    return first_number(text)


def _read(text: str, kind: Kind) -> Any:
    return kind.parse(text)


def _menu(line: Mapping[str, Any]) -> Kind:
    """Return the options in a BIG-Bench Hard question, one "(A) …" per line; an answer may name several."""
    return Choice(dict(re.findall(r"^\((\w)\) (.+)$", line["question"], re.MULTILINE)), several=True)


def _labels(text: str, _: Kind) -> Any:
    """Return the labels in the authors' text; a text with "or" is returned unchanged and equals no value of ours."""
    return text if " or " in text else tuple(re.findall(r"\((\w)\)", text)) or None


_GSM8K = (
    causes.nothing_is_stated,
    causes.empty,
    causes.lost_sign,
    causes.truncated,
    causes.first_operand,
    causes.open_expression,
    causes.whole_part,
    causes.numerator,
    causes.spaced,
    causes.several_numbers,
    causes.a_time,
)

RECORDINGS = [
    *(
        Recording(
            f"faithful_gsm8k_codex_{technique}",
            _number,
            _unless_invalid,
            _first,
            _GSM8K,
            likewise=first_number,
        )
        for technique in ("cot", "ltm")
    ),
    Recording(
        "faithful_aqua_codex_cot",
        lambda line: Choice(line["options"]),
        _unless_invalid,
        _read,
        (causes.nothing_is_stated,),
    ),
    Recording("faithful_strategyqa_codex_cot", lambda _: YesNo(), _unless_invalid, _read),
    Recording("faithful_date_codex_cot", lambda _: Text(), _unless_invalid, _read),
    Recording(
        "bbh_cot_mc",
        _menu,
        lambda given: given or None,
        _labels,
        (causes.nothing_is_stated, causes.alternatives),
        key="derived_prediction",
    ),
    Recording(
        "verifycot_date_sc10",
        lambda _: Date("%m/%d/%Y"),
        lambda given: None if given == "No answer!" else given,
        _read,
        (
            causes.other_form,
            causes.last_date,
            causes.several_dates,
            causes.other_order,
            causes.no_such_date,
            causes.refusal,
            causes.dateless,
        ),
        key="sample_predictions",
    ),
    Recording(
        "zeroeval_gsm8k_gpt-35-turbo-0125",
        _number,
        lambda given: None if given is None else str(given),
        _first,
        (causes.reasoning_in_the_answer, *_GSM8K),
        key="derived_prediction",
    ),
    Recording("openai_gsm8k_175b_verification", _number, None, _first),
]
