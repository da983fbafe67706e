"""The parts of a strategy or chain that a search may change: texts of its prompts, and their demonstrations.

A part is named as `--prompt` names it: "cot.trigger" (a phrase), "cot.two_stages.instructions" (a section of a
prompt). A candidate has new texts for some parts, and demonstrations for some prompts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from reasoning.errors import ReasoningError, UnknownName, UsageError
from reasoning.prompt_overrides import map_prompts, prompts
from reasoning.prompts import PLACEHOLDER, Demonstration, Prompt, placeholder_names
from reasoning.strategy import Strategy
from reasoning.text_safety import dump_json, escape_turn_marks, strip_control
from reasoning.tuning.prompts.fills import prompt_names

S = TypeVar("S", bound=Strategy)

SECTIONS = ("objective", "persona", "instructions", "context", "output_format", "recap")
"""The sections with a text. The input is not among them: it holds the data, and its change would be another task."""
_MAX_CHARS = 4_000
"""The longest proposed text. A model that never ends a reply would otherwise fill every prompt with it."""


class RejectedText(ReasoningError):
    """A proposed text that cannot replace a part; the message says why."""


@dataclass(frozen=True)
class TextPart:
    """A text that a search may replace.

    Attributes:
        prompt: the name of the prompt or phrase, such as "cot.two_stages".
        section: the section of the prompt; empty for a phrase.
        text: the original text; may be empty for a section.
        owner: the original prompt; None for a phrase.
    """

    prompt: str
    section: str
    text: str
    owner: Prompt | None = None

    @property
    def name(self) -> str:
        """The name of the part, as `--prompt` takes it."""
        return f"{self.prompt}.{self.section}" if self.section else self.prompt

    @cached_property
    def placeholders(self) -> frozenset[str]:
        """The placeholders of the original text, which every replacement must keep."""
        return placeholder_names([self.text]) if self.section else frozenset()

    def check(self, text: str) -> str:
        """Return a proposed text in the form in which it can replace the part.

        The text is a model's. It cannot close a section or a turn, has no control characters, and no other
        placeholders than the original: what looks like another one is written as literal braces.

        Raises:
            RejectedText: the text is empty, too long, or lacks a placeholder of the original.
        """
        clean = strip_control(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
        if not clean:
            raise RejectedText(f"{self.name}: the proposed text is empty")
        if len(clean) > max(_MAX_CHARS, 4 * len(self.text)):
            raise RejectedText(f"{self.name}: the proposed text is too long ({len(clean):,} characters)")
        if self.owner is None:
            return escape_turn_marks(clean)
        clean = escape_turn_marks(self.owner.as_data(clean))
        if lost := sorted(self.placeholders - placeholder_names([clean])):
            raise RejectedText(f"{self.name}: the proposed text lacks {', '.join(f'{{{name}}}' for name in lost)}")
        return PLACEHOLDER.sub(self._literal, clean)

    def _literal(self, match: Any) -> str:
        name = match[2]
        return str(match[0]) if name is None or name in self.placeholders else f"{{{{{name}}}}}"


@dataclass(frozen=True)
class Candidate:
    """New texts and demonstrations.

    Attributes:
        texts: the new texts, by the name of the part.
        demonstrations: the demonstrations, by the name of the prompt; an empty tuple removes the original ones.
        origin: the words that say where it comes from, for the log.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    demonstrations: Mapping[str, tuple[Demonstration, ...]] = field(default_factory=dict)
    origin: str = field(default="original", compare=False)

    @cached_property
    def key(self) -> str:
        """Sixteen hexadecimal digits that identify the content."""
        return hashlib.sha256(dump_json(self.to_json(), compact=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Return the content as plain data."""
        return {
            "texts": dict(sorted(self.texts.items())),
            "demonstrations": {
                name: [[demo.input, demo.output, demo.reasoning] for demo in demos]
                for name, demos in sorted(self.demonstrations.items())
            },
        }


ORIGINAL = Candidate()
"""The candidate that changes nothing."""


@dataclass(frozen=True)
class Tunable(Generic[S]):
    """A strategy with the parts that a search may change.

    Attributes:
        strategy: the strategy or chain.
        texts: the texts that may be replaced.
        shown: the names of the prompts that may get demonstrations.
    """

    strategy: S
    texts: tuple[TextPart, ...]
    shown: tuple[str, ...]

    @classmethod
    def of(cls, strategy: S, used: Collection[str], wanted: Sequence[str] = ()) -> Tunable[S]:
        """Return a strategy with its parts.

        By default these are the sections with a text, the phrases that used prompts refer to, and the instructions
        of prompts without such a section.

        Args:
            strategy: the strategy or chain.
            used: the names of the prompts that it fills; the others would be tuned for nothing.
            wanted: the parts or prompts to change; by default all.

        Raises:
            UnknownName: a wanted part does not exist.
            UsageError: there is no part.
        """
        named = prompts(strategy)
        parts: list[TextPart] = []
        for name, value in named.items():
            if isinstance(value, Prompt) and name in used:
                parts += _sections(name, value)
            elif isinstance(value, str) and value and _is_used(name, named, used):
                parts.append(TextPart(name, "", value))
        shown = [name for name in named if name in used and isinstance(named[name], Prompt)]
        if wanted:
            known = {part.name for part in parts} | {part.prompt for part in parts} | set(shown)
            for name in wanted:
                if name not in known and not _add_section(parts, named, name):
                    raise UnknownName("part", name, known, f"of {strategy!r}")
            parts = [part for part in parts if part.name in wanted or part.prompt in wanted]
            shown = [name for name in shown if name in wanted]
        if not parts and not shown:
            raise UsageError(f"{strategy!r} has no prompt to tune")
        return cls(strategy, tuple(parts), tuple(shown))

    def part(self, name: str) -> TextPart:
        """Return the part with a name."""
        return next(part for part in self.texts if part.name == name)

    def text(self, candidate: Candidate, name: str) -> str:
        """Return the text of a part in a candidate."""
        return candidate.texts.get(name, self.part(name).text)

    def changes(self, candidate: Candidate) -> dict[str, Prompt | str]:
        """Return the prompts and phrases that a candidate changes, by name."""
        named = prompts(self.strategy)
        changed: dict[str, Prompt | str] = {}
        for name, text in candidate.texts.items():
            part = self.part(name)
            before = changed.get(part.prompt, named[part.prompt])
            changed[part.prompt] = before.replace(**{part.section: text}) if isinstance(before, Prompt) else text
        for name, demos in candidate.demonstrations.items():
            before = changed.get(name, named[name])
            if isinstance(before, Prompt):
                changed[name] = before.replace(examples=tuple(demos))
        return {name: value for name, value in changed.items() if value != named[name]}

    def apply(self, candidate: Candidate) -> S:
        """Return the strategy with the texts and demonstrations of a candidate."""
        changes = self.changes(candidate)
        return map_prompts(self.strategy, lambda name, prompt: changes.get(name, prompt)) if changes else self.strategy


def check_wanted(strategy: Strategy, wanted: Sequence[str]) -> None:
    """Check the names of parts before the first call.

    Raises:
        UnknownName: a name is no prompt, phrase or section of the strategy.
    """
    named = prompts(strategy)
    known = [*named, *(f"{name}.{section}" for name in prompt_names(strategy) for section in SECTIONS)]
    for name in wanted:
        if name not in known:
            raise UnknownName("part", name, known, f"of {strategy!r}")


def _sections(name: str, prompt: Prompt) -> list[TextPart]:
    # A section of placeholders alone, such as "{direct_instruction}", is the kind's text.
    texts = {section: getattr(prompt, section) for section in SECTIONS}
    own = {section: text for section, text in texts.items() if PLACEHOLDER.sub("", text).strip()}
    return [TextPart(name, section, text, prompt) for section, text in (own or {"instructions": ""}).items()]


def _add_section(parts: list[TextPart], named: Mapping[str, Prompt | str], name: str) -> bool:
    """Add a section that a user names although it has no text; return whether it exists."""
    prompt, _, section = name.rpartition(".")
    owner = named.get(prompt)
    if not isinstance(owner, Prompt) or section not in SECTIONS:
        return False
    parts.append(TextPart(prompt, section, getattr(owner, section), owner))
    return True


def _is_used(name: str, named: Mapping[str, Prompt | str], used: Collection[str]) -> bool:
    technique, _, phrase = name.rpartition(".")
    of_technique = [named[one] for one in used if one in named and one.rpartition(".")[0] == technique]
    return any(isinstance(prompt, Prompt) and phrase in prompt.placeholders for prompt in of_technique)
