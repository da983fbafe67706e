"""The prompt workshop: every prompt of a strategy by its name, read, replaced, and put into another form.

    prompts(get("cot"))  # {"cot.trigger": "Let's think …", "cot.two_stages": Prompt(…), …}
    replaced([get("cot")], ["cot.trigger=Take a deep breath."])
    forms(get("cot"))  # the same technique in XML, Markdown, JSON and prefixes

A name is the technique's and the parameter's; a chain's prompts are called after its steps, those of a tree search
after its tasks. Inside another strategy the name is the same: `self_consistency(cot)` has "cot.trigger".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import Any, get_args

from reasoning.chain import Chain, prompt_markdown
from reasoning.errors import CallFailed, InputError, UnknownName, UsageError
from reasoning.kinds import Choice, Label, Number
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompts import Form, Prompt, Turns
from reasoning.strategies.demonstrations import shipped_examples
from reasoning.strategy import Strategy
from reasoning.testing import ScriptedLLM

Change = Callable[[str, Prompt | str], Prompt | str]
"""From a prompt's name and the prompt, or a phrase that prompts name, to what stands in its place."""

_LINES = ("dos", "donts")


def map_prompts(strategy: Strategy, change: Change) -> Strategy:
    """A copy with every prompt and phrase changed, those of the strategies within it too."""
    name = strategy.card.name

    def prompt(inner: str, one: Prompt) -> Prompt:
        return change(f"{name}.{inner}", one)  # type: ignore[return-value]  # a prompt stays a prompt

    def inner(one: Strategy) -> Strategy:
        return map_prompts(one, change)

    if isinstance(strategy, Chain):
        return _labelled(strategy, strategy.with_prompts(prompt).with_strategies(inner))
    changes: dict[str, Any] = {}
    for one in fields(strategy):  # type: ignore[arg-type]  # techniques are dataclasses
        value = getattr(strategy, one.name)
        if isinstance(value, Strategy):
            changes[one.name] = map_prompts(value, change)
        elif isinstance(value, Prompt) or (isinstance(value, str) and one.type in ("str", str)):
            changes[one.name] = change(f"{name}.{one.name}", value)
    changes = {key: value for key, value in changes.items() if value != getattr(strategy, key)}
    made = strategy.replace(**changes) if changes else strategy
    for hook, what in (("with_prompts", prompt), ("with_strategies", inner)):  # of those that are no parameters
        made = getattr(made, hook)(what) if hasattr(made, hook) else made
    return made


def prompts(strategy: Strategy) -> dict[str, Prompt | str]:
    """Its prompts by name, and the phrases that they name; those of the strategies within it too."""
    found: dict[str, Prompt | str] = {}

    def look(name: str, value: Prompt | str) -> Prompt | str:
        return found.setdefault(name, value) and value

    map_prompts(strategy, look)
    return found


def override_prompts(strategies: Sequence[Strategy], settings: Sequence[str]) -> list[Strategy]:
    """The strategies with some prompts replaced.

    Args:
        strategies: where the prompts are; each is replaced in all that have it.
        settings: "cot.trigger=TEXT", a whole prompt or a phrase; "cot.two_stages.recap=TEXT", one section of a prompt;
            "cot.two_stages=@FILE.md", a prompt with its sections as headings; "…=@FILE", a text.

    Raises:
        UnknownName: no prompt or section has the name; gives the nearest one.
        UsageError: a prompt lacks a placeholder that the one in its place has; says which.
        InputError: the file cannot be read.
    """
    known: dict[str, Prompt | str] = {}
    for one in strategies:
        known |= prompts(one)
    values: dict[str, Prompt | str] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting!r}: write NAME=TEXT, such as cot.trigger='Take a deep breath.'")
        name, section = _found(_unaliased(name.strip(), strategies), known)
        before = values.get(name, known[name])
        if name in values and not section:
            raise UsageError(f"--set {name} stands here twice; to compare the two: --vary {name}=… --vary {name}=…")
        values[name] = _value(setting.partition("=")[0].strip(), section, text, before)
    return [map_prompts(one, lambda name, value: values.get(name, value)) for one in strategies]


def prompt_variants(
    strategies: Sequence[Strategy], sets: Sequence[str], vary: Sequence[str], in_forms: bool
) -> list[Strategy]:
    """The strategies of a comparison of prompts, the original of each before its variants.

    Args:
        strategies: what to compare.
        sets: prompts that are replaced in all; see `replaced`.
        vary: prompts of which each makes one more variant of every strategy that has it.
        in_forms: whether each is also compared in every other form.
    """
    made = override_prompts(strategies, sets)
    if vary:
        columns = [made, *(override_prompts(made, [setting]) for setting in vary)]
        made = [one for row in zip(*columns, strict=True) for one in row]
    return [form for one in made for form in (format_variants(one) if in_forms else [one])]


def _unaliased(name: str, strategies: Sequence[Strategy]) -> str:
    technique, dot, rest = name.partition(".")
    inside = [one for strategy in strategies for one in _all(strategy)]
    known = next((one.card.name for one in inside if technique in one.card.aliases), technique)
    return f"{known}{dot}{rest}"


def _all(strategy: Strategy) -> list[Strategy]:
    found = [strategy]

    def look(one: Strategy) -> Strategy:
        found.extend(_all(one))
        return one

    for _, value in strategy.parameters():
        if isinstance(value, Strategy):
            look(value)
    if hasattr(strategy, "with_strategies"):
        strategy.with_strategies(look)
    return found


def _found(name: str, known: Mapping[str, Prompt | str]) -> tuple[str, str]:
    """The prompt's name and that of its section; the section is empty where the whole is meant."""
    if name in known:
        return name, ""
    whole, _, section = name.rpartition(".")
    prompt = known.get(whole)
    if isinstance(prompt, Prompt):
        sections = [one.name for one in fields(prompt) if one.name != "examples"]
        if section in sections:
            return whole, section
        raise UnknownName("section", section, sections, f"of the prompt {whole}")
    raise UnknownName("prompt", name, known)


def _value(name: str, section: str, text: str, before: Prompt | str) -> Prompt | str:
    path = Path(text[1:]) if text.startswith("@") else None
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--set {name}: {path}: cannot be read: {error}") from None
        text = text if path.suffix == ".md" else text.rstrip("\n")
    if isinstance(before, str):
        return text
    if section:
        new = before.with_plain({section: tuple(text.splitlines()) if section in _LINES else text})
    elif path is not None and path.suffix == ".md":
        new = prompt_markdown.from_markdown(text, path, before.form, before.turns)
    else:
        new = Prompt(input=text, form=before.form, turns=before.turns)
    if lost := sorted(before.placeholders - new.placeholders):
        raise UsageError(
            f"--set {name}: the new prompt lacks {', '.join(f'{{{one}}}' for one in lost)}, which the one in its place "
            "has: what stands for it would not reach the model (a spec may leave it out: cot(two_stages={'input': …}))"
        )
    return new


def _labelled(before: Chain, after: Chain) -> Chain:
    """A changed chain has a name of its own: a spec cannot show its prompts, and results go by it."""
    if after == before:
        return before
    digest = hashlib.sha256(repr([(step.prompt, step.strategy) for step in after.steps]).encode()).hexdigest()
    return after.replace(name=f"{before.name.partition('#')[0]}#{digest[:6]}")


def sample_problem(strategy: Strategy) -> Problem:
    """A problem of a kind that the strategy serves, from the worked ones that are shipped."""
    serves = strategy.card.kinds
    kind = Number if not serves or Number in serves else serves[0]
    if kind is Label:
        return Problem(shipped_examples("sentiment")[0].question, Label(("positive", "negative", "neutral")))
    worked = min(shipped_examples(kind.name) or shipped_examples(Number.name), key=lambda one: len(one.question))
    return Problem(worked.question, options=worked.options) if kind is Choice else Problem(worked.question, kind())


@dataclass(frozen=True)
class _Watched(Prompt):
    """A prompt that says what it was filled to."""

    name: str = ""
    seen: dict[str, Conversation] = field(default_factory=dict, compare=False, repr=False)

    def fill(self, **values: object) -> Conversation:
        return self.seen.setdefault(self.name, super().fill(**values))


def preview_prompts(strategy: Strategy, problem: Problem) -> dict[str, Conversation]:
    """Each prompt as it goes out for a problem, by name.

    Those that the technique fills before its first call are as they are, with their demonstrations; in the others, what
    comes from earlier replies stands as `{name}`.
    """
    seen: dict[str, Conversation] = {}
    while within := getattr(strategy, "effective", None):  # a wrapper that changes prompts
        strategy = within

    def watched(name: str, one: Prompt | str) -> Prompt | str:
        if isinstance(one, str):
            return one
        given = {part.name: getattr(one, part.name) for part in fields(Prompt)}
        return _Watched(**given, name=name, seen=seen)

    def nobody(_: object) -> Exception:
        return CallFailed("nobody is asked")

    with suppress(UsageError):  # it lacks something that a problem or a parameter would bring
        map_prompts(strategy, watched).run(problem, ScriptedLLM(nobody))
    phrases = {name.rpartition(".")[2]: one for name, one in prompts(strategy).items() if isinstance(one, str)}
    numbers = {name: value for name, value in strategy.parameters() if isinstance(value, int | float)}
    known = {**numbers, **problem.values(), **{name: text for name, text in phrases.items() if text}}
    for name, one in prompts(strategy).items():
        if isinstance(one, Prompt) and name not in seen:
            values = {placeholder: known.get(placeholder, f"{{{placeholder}}}") for placeholder in one.placeholders}
            seen[name] = one.fill(**values)
    return {name: seen[name] for name in prompts(strategy) if name in seen}


def format_variants(strategy: Strategy) -> list[Strategy]:
    """The strategy, and each other form of its prompts that looks different on a sample problem."""
    from reasoning.strategies.direct.prompt_format import PromptFormat

    problem = sample_problem(strategy)
    made: dict[tuple[Conversation, ...], Strategy] = {}
    for one in [
        strategy,
        *(PromptFormat(strategy, form, turns) for turns, form in product(get_args(Turns), get_args(Form))),
    ]:
        made.setdefault(tuple(preview_prompts(one, problem).values()), one)
    return list(made.values())
