"""Choice: one of a few given options, answered by its label."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.base import BaseKind
from reasoning.kinds.denial import has_denial, is_denied_before, is_denied_behind
from reasoning.kinds.kind import Rejected, abbreviate, to_text
from reasoning.kinds.label_matcher import LabelMatcher, is_list_item
from reasoning.kinds.number import Number
from reasoning.kinds.option_enumeration import OptionEnumeration
from reasoning.kinds.option_matcher import OptionMatcher, fold_option
from reasoning.kinds.phrasing import (
    answer_instruction,
    begins_with_refusal,
    first_sentence,
    has_word,
    is_refusal,
    resolve_negation,
    strip_line_markup,
    strip_markup,
)
from reasoning.kinds.reply_format import enum_schema, pattern_of
from reasoning.kinds.statements import Statement

_DENIED = re.compile(
    r"[)\]}*_.:\"']{0,4}\s(?:is|are|was|would be|seems|can)"
    r"(?:n['’]t|not|\s(?:\w{1,20}\s)?(?:not|wrong|incorrect|false|too)\b)",
    re.IGNORECASE,
)
_NONE = re.compile(
    r"\W{0,4}(?:none|neither|nothing)(?:\s(?:one|above|of\s[^.,;]{1,60}|(?:fits?|is|are)\b[^.,;]{0,40}))?[\W_]*$"
    r"|[^.;]{0,60}\b(?:none of (?:the|these|those|them)|(?:neither|no) (?:of|option|choice|answer)s?)\b",
    re.IGNORECASE,
)
# "(B) is close, but none of the options is right"
_NONE_OF = re.compile(
    r"\b(?:none of (?:the|these|those|them)|neither of (?:the|them))\b(?! (?:others?|rest|remaining)\b)", re.IGNORECASE
)
_EXCEPT = re.compile(r";|\b(?:but|however|except|besides|closest)\b", re.IGNORECASE)
# "Of (A), (B) and (C), the most likely choice is (B)"
_BEST = re.compile(
    r"\b(?:most|best|only|correct|right)\b[^.;:()]{0,120}\b(?:is|be)\s(?:the\s)?(?:option\s|choice\s)?[(\[*_]{0,4}$",
    re.IGNORECASE,
)
_SEVERAL = Rejected("several options")
_NOT_LISTED = Rejected("not an option")
_HEADING = re.compile(
    r"[*_]{0,3}(?:final |my )?(?:choice|selection|decision|result|prediction|output)[*_]{0,3}:[*_]{0,3}\s",
    re.IGNORECASE,
)
_RIGHT = re.compile(r"(?<![\w-])(?:correct|right|true)\b|[✓✔✅]", re.IGNORECASE)
_CLAIM = re.compile(r"\b(?:so|thus|hence|therefore|is|are|be|must|correct|right|answer|choose|fits)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Choice(BaseKind):
    """One of several options. Its value is the option's label, spelled as in `labels`.

    The parser accepts the label ("B", "(b)", "B. text", "option B"), the option's whole text in any
    case, and its number ("15" for "15 km"), but not the article "A" or the pronoun "I". Several
    labels, and an option that is not on the menu, are not an answer. If label and text disagree, the
    label counts.

    Attributes:
        options: the texts, or a mapping from label to text; may be empty if the question itself
            shows them.
        labels: the labels; A, B, … by default.
        several: whether an answer may name several options. Each value is then a tuple of labels,
            in their order.

    Raises:
        UsageError: the number of options or labels is wrong, or two labels are equal.

    Examples:
        >>> Choice(["red", "blue"]).parse("I would say (b).")
        'B'
        >>> Choice(["red", "blue"]).parse_reply("The answer is A or B.")
        ParseResult(value=None, rule='several labels')
    """

    name: ClassVar[str] = "choice"
    _is_closed: ClassVar[bool] = True
    options: Sequence[str] | Mapping[str, str] = ()
    labels: Sequence[str] = ()
    several: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.options, str) or not all(
            isinstance(values, Iterable) for values in (self.options, self.labels)
        ):
            raise UsageError(
                f"Choice needs several options, or a mapping from label to option, got {self.options!r:.80}"
            )
        options, labels = list(self.options), list(self.labels)
        if isinstance(self.options, Mapping):
            options, labels = list(self.options.values()), list(self.options)
        if not labels:
            if not 2 <= len(options) <= 26:
                raise UsageError(f"Choice needs 2 to 26 options, got {len(options)}; for others, give the labels too")
            labels = list(string.ascii_uppercase[: len(options)])
        labels, options = [str(label).strip() for label in labels], [str(option).strip() for option in options]
        if options and len(options) != len(labels):
            raise UsageError(f"Choice has {len(options)} options and {len(labels)} labels")
        if len(labels) < 2 or not all(labels) or len({label.casefold() for label in labels}) < len(labels):
            raise UsageError(f"Choice needs at least two labels, all different, got {labels}")
        prefixes = [
            re.match(rf"\(?{re.escape(label)}\s?[).:]\s*(?=\S)", text)
            for label, text in zip(labels, options, strict=False)
        ]
        # Some data sets repeat the label in the option: "A) 12".
        if prefixes and all(prefixes):
            options = [match.string[match.end() :] for match in prefixes if match]
        object.__setattr__(self, "options", tuple(options))
        object.__setattr__(self, "labels", tuple(labels))

    def instruction(self) -> str:
        return answer_instruction(self._description)

    def direct_instruction(self) -> str:
        return f"Reply with {self._description}: no reasoning, no other words."

    def answer_schema(self) -> Mapping[str, Any] | None:
        if self.several:
            one = f"({'|'.join(map(pattern_of, self.labels))})"
            return {"type": "string", "pattern": f"^{one}(, {one})*$"}
        return enum_schema(self, self.labels)

    def trigger(self) -> str:
        return f"Therefore, among {self._range}, the answer is"

    def menu(self) -> str:
        """Return the options as a prompt shows them, one per line; empty if the question itself shows them."""
        return "\n".join(f"({label}) {text}" for label, text in self._option_matcher.pairs)

    def _names_refusal(self, sentence: str) -> bool:
        return any(option in fold_option(sentence) for option in self._refusals)

    @cached_property
    def _refusals(self) -> tuple[str, ...]:
        return tuple(fold_option(option) for option in self.options if begins_with_refusal(option))

    @cached_property
    def _reads_signs(self) -> bool:
        return not all(map(has_word, self.options))

    def _parse_located(self, statement: Statement) -> Any | Rejected | None:
        """Find the answer in a statement; a list of options below the trigger states all of them."""
        labels: list[str] = []
        for number, line in enumerate(statement.list_lines):
            found = self.parse_line(line, "")
            if isinstance(found, Rejected) and number > 0:
                return found
            if not isinstance(found, str | tuple):
                break
            labels += [found] if isinstance(found, str) else found
        return self._result(labels) if len(labels) > 1 else super()._parse_located(statement)

    def parse_statement(self, text: str, *, continues: bool = False) -> Any | Rejected | None:
        """Return the label that a statement names, or else the option whose text or number it contains."""
        texts = self._option_matcher.find_spans(text)
        # "not guilty" may be an option.
        if not any(start == 0 for start, _ in texts.values()):
            affirmed = resolve_negation(text)
            if isinstance(affirmed, Rejected):
                return affirmed
            text, texts = affirmed, self._option_matcher.find_spans(affirmed)
        first = first_sentence(text)
        if leading := self._label_matcher.match_leading(first):
            # "Answer: B is wrong, …" begins the reasoning.
            if _DENIED.match(first, leading[1]):
                return None
            return self._enumerated(first, *leading)
        if self._label_matcher.match_other(first) and not any(start == 0 for start, _ in texts.values()):
            return _NOT_LISTED
        named = list(self._label_matcher.find_named(first))
        for label, start, end in named:
            if not self._is_denied_before(first, label, start):
                return self._enumerated(first, label, end)
        if named:
            return Rejected("a negation")
        if whole := self._option_matcher.match_whole(text):
            return self._result([whole])
        if len(texts) > 1:
            return self._result(list(texts), "several options")
        for label, (start, _) in texts.items():
            return Rejected("a negation") if is_denied_before(fold_option(text), start) else self._result([label])
        if found := self._option_matcher.match_formula(first) or self._option_matcher.match_number(
            Number().parse_statement(first)
        ):
            return self._result([found])
        return Rejected("a refusal") if is_refusal(text) else _NOT_LISTED if _NONE.match(first) else None

    def parse_line(self, line: str, before: str) -> Any | None:
        """Return the option of a line that contains only a label, an option's text or both, or several labels."""
        text = strip_line_markup(line)
        text = text[heading.end() :] if (heading := _HEADING.match(text)) else text
        if whole := self._option_matcher.match_whole(text):
            return self._result([whole])
        if not (leading := self._label_matcher.match_leading(text)):
            other = self._label_matcher.match_other(text)
            return _NOT_LISTED if other and not text[other:].strip(")]}.:*_,–—=- ") else None
        labels, end, either = self._label_matcher.match_enumeration(text, *leading)
        rest = text[end:].lstrip(")]}.:-–—*_ ")
        if rest and (len(labels) > 1 or self._option_matcher.match_whole(rest) != labels[0] or is_list_item(before)):
            return None
        return self._result(labels, either=either)

    def parse_first_line(self, line: str) -> Any | None:
        """Return the option of a line that contains only a label, an option's text or both."""
        return self.parse_line(line, "")

    def parse_last_candidate(self, text: str) -> Any | Rejected | None:
        """Return the option that the last sentence with any option names.

        In a list, this is the only item that is called correct.
        """
        lines = [line for line in text.split("\n") if line.strip()]
        marks = [is_list_item(line) for line in lines]
        right: list[str] = []
        denied: set[str] = set()
        several: Rejected | None = None
        for index in range(len(lines) - 1, -1, -1):
            if several or denied:
                break
            if marks[index] and any(marks[max(0, index - 1) : index] + marks[index + 1 : index + 2]):
                leading = self._label_matcher.match_leading(strip_markup(lines[index]))
                if leading and _RIGHT.search(lines[index]) and not has_denial(lines[index]):
                    right.append(leading[0])
                continue
            for part in reversed(re.split(r"(?<=[.!?])\s+", lines[index])):
                # An option may itself be a question.
                if part.endswith("?") and not any("?" in option for option in self.options):
                    continue
                found = self._candidate(part)
                # "It is (D). It is not (E)."
                if isinstance(found, Rejected) and found.reason == "a negation":
                    denied |= self._names(part)
                # "It is (B) depression. Others have no happiness, discomfort, …"
                elif found == _SEVERAL and not any(self._label_matcher.find_named(part)):
                    several = _SEVERAL
                elif found is not None and (not several or any(self._label_matcher.find_named(part))):
                    labels = found if isinstance(found, tuple) else (found,)
                    return Rejected("a negation") if denied.intersection(labels) else found
        if right and not denied.intersection(right):
            return self._result(right)
        if several or denied:
            return several or Rejected("a negation")
        return (
            self._result([found])
            if lines and (found := self._option_matcher.match_number(Number().parse_last_candidate(lines[-1])))
            else None
        )

    def _is_denied_before(self, text: str, label: str, start: int) -> bool:
        """Return whether a label is denied by the text before it, of which its option's text is no part."""
        before = text[:start].rstrip(" ([")
        option = self._enumeration.texts.get(label, "")
        if option and before.casefold().endswith(option.casefold()):
            start = len(before) - len(option)
        return is_denied_before(text, start)

    def _names(self, part: str) -> set[str]:
        """Return the labels of all options that a sentence names."""
        named = {label for label, *_ in self._label_matcher.find_named(part)}
        return named or set(self._option_matcher.find_spans(part))

    def _candidate(self, part: str) -> Any | Rejected | None:
        """Return what a sentence of running text names and does not deny: its labels, or else its options."""
        named = {label: (start, end) for label, start, end in self._label_matcher.find_named(part)}
        rest = part if named else fold_option(part)
        if not (found := named or self._option_matcher.find_spans(part)):
            return _NOT_LISTED if self._label_matcher.names_other(part) or _NONE.match(part) else None
        if any(self._enumeration.joins_other(part, end) for _, end in named.values()):
            return _NOT_LISTED
        # "None of the above" may be the text of the option that is named.
        itself = any(_NONE_OF.search(self._enumeration.texts.get(label, "")) for label in found)
        none = None if itself else _NONE_OF.search(rest)
        if none and (none.start() > max(found.values())[0] or not _EXCEPT.search(rest, none.end())):
            return _NOT_LISTED
        if not any(
            self._is_denied_before(rest, label, start)
            or is_denied_behind(rest, self._enumeration.text_end(rest, label, end) or end)
            for label, (start, end) in found.items()
        ):
            best = {label for label, (start, _) in named.items() if _BEST.search(rest, 0, start)}
            return self._result(list(best if len(best) == 1 else found), "several options")
        clauses = re.split(r"[,;]\s|\s(?:but|while|whereas|so)\s", part)
        claimed = [clause for clause in clauses if _CLAIM.search(clause) and not has_denial(clause)]
        labels = [label for clause in claimed for label, *_ in self._label_matcher.find_named(clause)]
        return self._result(labels, "several options") if labels else Rejected("a negation")

    def target(self, target: Any) -> Any:
        """Return the label of a target: a label, bare or in brackets, or an option's text.

        With `several`, the target is a list of these, or a text with commas between them.
        """
        if self.several:
            parts = re.split(r",\s*(?:and\s)?|\sand\s", target) if isinstance(target, str) else target
            if not isinstance(parts, Iterable):
                raise UsageError(f"the target {abbreviate(target)} is not a list of labels")
            return self._result([self._label(part) for part in parts])
        return self._label(target)

    def is_value(self, value: Any) -> bool:
        if not self.several:
            return isinstance(value, str)
        return isinstance(value, tuple | list) and all(isinstance(label, str) for label in value)

    def key(self, value: Any) -> str | tuple[str, ...]:
        return tuple(value) if self.several else str(value)

    def show(self, value: Any) -> str:
        return ", ".join(value) if self.several else str(value)

    def _label(self, target: Any) -> str:
        text = to_text(target).strip()
        label = (
            self._label_matcher.find_label(text)
            or self._label_matcher.find_label(text.strip("().: "))
            or self._option_matcher.match_whole(text)
        )
        if label is None:
            raise UsageError(f"the target {abbreviate(target)} is neither a label nor an option of {self!r:.200}")
        return label

    def _result(self, labels: list[str], reason: str = "several labels", *, either: bool = False) -> Any:
        """Return the value for the named labels; `Rejected` for alternatives, and for several if one is expected."""
        if len(set(labels)) > 1 and (either or not self.several):
            return Rejected(reason)
        return tuple(label for label in self.labels if label in labels) if self.several else labels[0]

    def _enumerated(self, text: str, label: str, end: int) -> Any:
        labels, either, end = self._enumeration.match(text, label, end)
        return _NOT_LISTED if self._enumeration.joins_other(text, end) else self._result(labels, either=either)

    @property
    def _description(self) -> str:
        return f"one or more of {self._range}, with commas between them" if self.several else f"one of {self._range}"

    @property
    def _range(self) -> str:
        if len(self.labels) > 2 and "".join(self.labels) in string.ascii_uppercase:
            return f"{self.labels[0]} through {self.labels[-1]}"
        return ", ".join(self.labels)

    @cached_property
    def _label_matcher(self) -> LabelMatcher:
        return LabelMatcher(tuple(self.labels))

    @cached_property
    def _option_matcher(self) -> OptionMatcher:
        return OptionMatcher(tuple(zip(self.labels, self.options, strict=False)))

    @cached_property
    def _enumeration(self) -> OptionEnumeration:
        return OptionEnumeration(self._label_matcher, dict(self._option_matcher.pairs))
