"""Prompts as data: sections and demonstrations, which are filled for a problem and rendered as turns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from reasoning.errors import UnknownName, UsageError
from reasoning.kinds.reply_format import response_format, structured_reply
from reasoning.messages import Conversation, Message
from reasoning.prompts.forms import FORMS, TITLES, Form, choose_escape, group_sections, prefix_lines
from reasoning.prompts.placeholders import KIND_PLACEHOLDERS, SafeValues, fill_placeholders, placeholder_names
from reasoning.text_safety import escape_turn_marks

if TYPE_CHECKING:
    from reasoning.kinds import Kind
    from reasoning.problem import Problem

Turns = Literal["chat", "single"]

_TITLE = re.compile(r"[^\W\d_][\w' -]{0,39}")


@dataclass(frozen=True)
class Demonstration:
    """One worked example for a few-shot prompt.

    Attributes:
        input: the user's turn.
        output: the desired reply, with the answer in its final form.
        reasoning: the reasoning that precedes the output; empty for none.
    """

    input: str
    output: str
    reasoning: str = ""

    @property
    def reply(self) -> str:
        """The assistant's turn: the reasoning, then the output."""
        return f"{self.reasoning}\n{self.output}" if self.reasoning else self.output


@dataclass(frozen=True)
class Prompt:
    """A sectioned prompt; every section may hold placeholders.

    Attributes:
        input: the user's turn for the problem.
        objective: the task.
        persona: the role that the model takes.
        instructions: how to do the task.
        dos, donts: constraints, one per line.
        context: background that the task needs.
        output_format: the form of the reply.
        examples: demonstrations; taken literally, without placeholders.
        recap: a reminder after the input, at the end, to which small models pay most attention.
        form: "plain" (paragraphs without headings), "xml", "markdown", "json", "prefixes"
            (`OBJECTIVE: …`) or "template": `<objective_and_persona>` with the persona first,
            `<instructions>`, `<constraints>` around dos and don'ts, `<context>`, `<output_format>`,
            `<few_shot_examples>`, and after the input `<recap>`. This is the sample template of
            Google's guide to prompts; its tags are in upper case.
        turns: "chat" (system turn, each demonstration as two turns, the input) or "single" (one
            user turn). The form "template" has its examples in the system turn.
        titles: other titles of sections, in every form but "plain" and "template":
            `titles={"objective": "TASK", "context": "CLASSES", "input": "OBJECTS"}`.
        structured: whether the reply must be JSON that fits the schema of the problem's kind, see
            `Kind.reply_schema`. The prompt must ask for the answer with `{direct_instruction}`, or
            with `{instruction}` for steps before the answer; both then ask for the JSON object.

    Raises:
        UnknownName: a form, or the section of a title, does not exist.
        UsageError: a section is not a text, or a title is not one or is used twice.

    Examples:
        >>> from reasoning import Problem
        >>> prompt = Prompt(objective="Answer briefly.", input="Question: {question}", form="xml")
        >>> for role, text in prompt.render(Problem("Why is the sky blue?")).messages:
        ...     print(f"{role}: {text}")
        system: <objective>
        Answer briefly.
        </objective>
        user: <input>
        Question: Why is the sky blue?
        </input>
        >>> prompt.replace(form="plain").fill(question="Why?").messages[-1].content
        'Question: Why?'
        >>> sizes = Prompt("{objects}", objective="Classify.", form="prefixes", titles={"input": "OBJECTS"})
        >>> sizes.fill(objects="a rhino").messages[-1].content
        'OBJECTS: a rhino'

    Source:
        "Sample prompt template" and "Structure prompts" of the guide to prompts of Google Cloud:
        docs.cloud.google.com/vertex-ai/generative-ai/docs/learn/prompts/prompt-design-strategies.
    """

    input: str = "{problem}"
    objective: str = ""
    persona: str = ""
    instructions: str = ""
    dos: tuple[str, ...] = ()
    donts: tuple[str, ...] = ()
    context: str = ""
    output_format: str = ""
    examples: tuple[Demonstration, ...] = ()
    recap: str = ""
    form: Form = "plain"
    turns: Turns = "chat"
    # Without it in the repr, the digests of prompts stay those of earlier versions.
    titles: Mapping[str, str] | tuple[tuple[str, str], ...] = field(default=(), repr=False)
    structured: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        for what, value, known in (("form", self.form, get_args(Form)), ("turns", self.turns, get_args(Turns))):
            if value not in known:
                raise UnknownName(what, value, known)
        for name in ("input", "objective", "persona", "instructions", "context", "output_format", "recap"):
            if not isinstance(value := getattr(self, name), str):
                raise UsageError(f"a prompt's {name} must be a text, got {value!r:.60}")
        if not isinstance(self.structured, bool):
            raise UsageError(f"a prompt's structured must be True or False, got {self.structured!r:.60}")
        object.__setattr__(self, "titles", _as_titles(self.titles))

    def replace(self, **changes: Any) -> Prompt:
        """Return a copy with some sections changed.

        Raises:
            UnknownName: there is no such section; suggests the nearest one.
        """
        names = [field.name for field in fields(self)]
        if unknown := next((name for name in changes if name not in names), None):
            raise UnknownName("section", unknown, names, "of a prompt")
        return replace(self, **changes)

    def with_plain(self, changes: Mapping[str, Any]) -> Prompt:
        """Return a copy with some sections changed, from the plain values of a spec: `{"form": "xml"}`.

        `dos` and `donts` are tuples of texts; an example is a tuple of input, output and reasoning;
        titles may be one text: "objective=TASK, input=OBJECTS".

        Raises:
            UnknownName: a section or form does not exist.
            UsageError: a value is not a text or a tuple of texts, or `structured` is not a boolean.
        """
        sections = dict(changes)
        for name, value in sections.items():
            if name not in (known := [field.name for field in fields(Prompt)]):
                raise UnknownName("section", str(name), known, "of a prompt")
            if name == "examples":
                sections[name] = tuple(
                    example if isinstance(example, Demonstration) else Demonstration(*example) for example in value
                )
            elif name == "titles":
                sections[name] = _as_titles(value)
            elif name == "structured":
                sections[name] = {"true": True, "false": False}.get(str(value).lower(), value)
            elif not (_is_lines(value) if name in ("dos", "donts") else isinstance(value, str)):
                what = "a tuple of texts" if name in ("dos", "donts") else "a text"
                raise UsageError(f"a prompt's {name} must be {what}, got {value!r:.80}")
        return replace(self, **sections)

    def diff_plain(self, before: Prompt) -> dict[str, Any]:
        """Return the sections that differ from another prompt's, as plain values.

        `before.with_plain(prompt.diff_plain(before))` equals the prompt.
        """
        sections = {field.name: getattr(self, field.name) for field in fields(Prompt)}
        changed = {name: value for name, value in sections.items() if value != getattr(before, name)}
        if "examples" in changed:
            changed["examples"] = tuple((demo.input, demo.output, demo.reasoning) for demo in self.examples)
        return changed

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of the placeholders in use."""
        return placeholder_names([*self.sections.values(), self.input, self.recap])

    def render(self, problem: Problem, **values: object) -> Conversation:
        """Fill the placeholders with the values of a problem (see `Problem.values`) and with `values`.

        Raises:
            UsageError: a placeholder has no value, or the prompt is structured and cannot be for
                this kind of answer.
        """
        known = self.__dict__.get("_filled")
        if known is not None and known[0] is problem and known[1] == values:
            return known[2]  # type: ignore[no-any-return]
        filled = (
            self.fill_structured(problem.kind, **{**problem.values(), **values})
            if self.structured
            else self.fill(**{**problem.values(), **values})
        )
        if not filled.static_prefix and self._placeholders_before_input.isdisjoint(
            problem.values().keys() - KIND_PLACEHOLDERS
        ):
            # What a technique fills in, such as the list of its tools, is the same for other problems.
            filled = replace(filled, static_prefix=filled.input_turn)
        # Cached, since branches fill the same prompt for the same problem one after the other.
        self.__dict__["_filled"] = problem, values, filled
        return filled

    def fill(self, **values: object) -> Conversation:
        """Fill the placeholders and render the turns.

        Raises:
            UsageError: a placeholder has no value.
        """
        data, render = SafeValues(values, self.as_data), FORMS[self.form]
        preamble = {title: fill_placeholders(text, data) for title, text in self._titled.items()}
        ends = {self._title(name): fill_placeholders(getattr(self, name), data) for name in ("input", "recap")}
        is_template, request = self.form == "template", render(ends)
        if is_template:
            preamble = {**group_sections(preamble), "Few shot examples": self._numbered_examples()}
        system = render(preamble)
        if self.turns == "single":
            parts = (system, request) if is_template else (system, self._examples_as_text(), request)
            text = ("\n" if is_template else "\n\n").join(filter(None, parts))
            return Conversation((Message("user", text),))
        turns = [Message("system", system)] if system else []
        for example in () if is_template else self.examples:
            turns.append(Message("user", render({self._title("input"): self.as_data(example.input)})))
            turns.append(Message("assistant", escape_turn_marks(example.reply)))
        fixed = len(turns) if self._placeholders_before_input <= KIND_PLACEHOLDERS else 0
        return Conversation((*turns, Message("user", request)), static_prefix=fixed, input_turn=len(turns))

    def fill_structured(self, kind: Kind, **values: object) -> Conversation:
        """Fill the placeholders as `fill` does, for a reply in JSON that fits the schema of a kind.

        Raises:
            UsageError: a placeholder has no value, the kind has no schema, or the prompt has no
                placeholder where it asks for the answer.
        """
        if not self.asks_for_answer:
            raise UsageError(
                "a structured prompt must ask for the answer with {direct_instruction}, or with {instruction} for "
                f"steps before it; its placeholders are: {', '.join(sorted(self.placeholders)) or 'none'}"
            )
        words = kind.structured_instruction(steps=self.asks_for_steps)
        filled = self.with_examples_in_json(kind).fill(**{**values, "instruction": words, "direct_instruction": words})
        return replace(filled, response_format=response_format(kind, steps=self.asks_for_steps))

    def with_examples_in_json(self, kind: Kind) -> Prompt:
        """Return a copy whose demonstrations have the form of a structured reply, where that can be made of them."""
        shown = []
        for example in self.examples:
            written = structured_reply(kind, example.output, example.reasoning, steps=self.asks_for_steps)
            shown.append(example if written is None else Demonstration(example.input, written))
        return replace(self, examples=tuple(shown))

    @property
    def asks_for_steps(self) -> bool:
        """Return whether the prompt asks for steps before the answer."""
        return "instruction" in self.placeholders

    @property
    def asks_for_answer(self) -> bool:
        """Return whether the reply states the answer in the form that its kind asks for."""
        return not self.placeholders.isdisjoint(("instruction", "direct_instruction"))

    @property
    def sections(self) -> dict[str, str]:
        """The sections that precede the examples, by title, without the empty ones."""
        return dict(self._titled)

    def as_data(self, text: str) -> str:
        """Return untrusted text, of an example's file or a model, that can close neither a section nor a turn."""
        return escape_turn_marks(self._neutral(text))

    def _repr_html_(self) -> str:
        from reasoning.display import prompt_html

        return prompt_html(self)

    @cached_property
    def _placeholders_before_input(self) -> frozenset[str]:
        """The names of the placeholders in the turns before the last."""
        return placeholder_names(self._titled.values())

    @cached_property
    def _titled(self) -> dict[str, str]:
        sections = {
            "objective": self.objective,
            "persona": self.persona,
            "instructions": self.instructions,
            "dos": _to_list(self.dos),
            "donts": _to_list(self.donts),
            "context": self.context,
            "output_format": self.output_format,
        }
        return {self._title(name): text for name, text in sections.items() if text}

    def _title(self, section: str) -> str:
        return TITLES[section] if self.form == "template" else dict(self.titles).get(section, TITLES[section])

    @cached_property
    def _neutral(self) -> Callable[[str], str]:
        """The function that keeps data from closing a section."""
        return choose_escape(self.form, tuple(dict(self.titles).values()))

    def _numbered_examples(self) -> str:
        parts = (
            f"Example {number}\n{prefix_lines(Input=demo.input, Thoughts=demo.reasoning, Output=demo.output)}"
            for number, demo in enumerate(self.examples, 1)
        )
        return self.as_data("\n\n".join(parts))

    def _examples_as_text(self) -> str:
        shown = [
            {
                "Example input": self.as_data(demo.input),
                "Example thoughts": self.as_data(demo.reasoning),
                "Example output": self.as_data(demo.output),
            }
            for demo in self.examples
        ]
        return "\n\n".join(FORMS[self.form](parts) for parts in shown)


def _is_lines(value: object) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(line, str) for line in value)


def _as_titles(titles: object) -> tuple[tuple[str, str], ...]:
    """Return titles by section as pairs, and check them."""
    if isinstance(titles, str):
        titles = [tuple(map(str.strip, pair.partition("=")[::2])) for pair in titles.split(",") if pair.strip()]
    try:
        pairs = tuple((section, title) for section, title in dict(titles).items())  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise UsageError(f"a prompt's titles must be texts by section, got {titles!r:.60}") from None
    for section, title in pairs:
        if section not in TITLES:
            raise UnknownName("section", str(section), TITLES, "with a title")
        if not isinstance(title, str) or not _TITLE.fullmatch(title):
            raise UsageError(f"the title of a section must be a word or a few, such as 'TASK', got {title!r:.60}")
    used = [title.casefold() for title in {**TITLES, **dict(pairs)}.values()]
    if twice := next((title for title in used if used.count(title) > 1), None):
        raise UsageError(f"two sections have the title {twice!r}; give each its own")
    return pairs


def _to_list(lines: tuple[str, ...]) -> str:
    return "\n".join(f"- {line}" for line in lines)
