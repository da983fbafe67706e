"""The prompts of a strategy by name, to list, replace and compare them.

    prompts(get("cot"))  # {"cot.trigger": "Let's think …", "cot.two_stages": Prompt(…), …}
    override_prompts([get("cot")], ["cot.trigger=Take a deep breath."])

A prompt is named after its technique and parameter. The prompts of a chain are named after its
steps, and the prompts of a tree search after its tasks. Inside another strategy the name is the same:
`self_consistency(cot)` has "cot.trigger".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from reasoning import prompt_markdown
from reasoning.engine.llm import LLM
from reasoning.errors import CallFailed, InputError, UnknownName, UsageError
from reasoning.files import parse_json_object
from reasoning.kinds import Kind
from reasoning.messages import Completion, Conversation, Request
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.providers.client import Client
from reasoning.registry import get
from reasoning.strategy import Strategy

S = TypeVar("S", bound=Strategy)

OUTCOME = "outcome.json"
"""The file of scores and cost in a folder of tuned prompts."""

Change = Callable[[str, Prompt | str], Prompt | str]
"""Returns the replacement of a prompt or phrase, given its name and the prompt or phrase."""

_LINES = ("dos", "donts")


def map_prompts(strategy: S, change: Change) -> S:
    """Return a copy with every prompt and phrase changed, including those of inner strategies.

    Args:
        strategy: the strategy; returned unchanged if no prompt changes.
        change: is called with each name and prompt, and returns the replacement. A phrase is a text
            parameter that prompts refer to, such as "cot.trigger".
    """
    name = strategy.card.name

    def change_prompt(part: str, prompt: Prompt) -> Prompt:
        # A prompt stays a prompt.
        return change(f"{name}.{part}", prompt)  # type: ignore[return-value]

    def change_strategy(inner: Strategy) -> Strategy:
        return map_prompts(inner, change)

    # Techniques are dataclasses.
    types = {field.name: field.type for field in fields(strategy)}  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for parameter, value in strategy.parameters():
        changed: Any = value
        if isinstance(value, Strategy):
            changed = change_strategy(value)
        elif isinstance(value, Prompt) or (isinstance(value, str) and types[parameter] in ("str", str)):
            changed = change(f"{name}.{parameter}", value)
        if changed != value:
            changes[parameter] = changed
    copy = strategy.replace(**changes) if changes else strategy
    copy = copy.with_prompts(change_prompt).with_strategies(change_strategy)
    return strategy if copy == strategy else copy.as_variant_of(strategy)


def prompts(strategy: Strategy | str) -> dict[str, Prompt | str]:
    """Return the prompts and phrases of a strategy or of its spec by name, including those of inner strategies.

    Examples:
        >>> from reasoning import strategies
        >>> sorted(strategies.prompts(strategies.get("cot")))
        ['cot.few_shot', 'cot.go_on', 'cot.one_stage', 'cot.trigger', 'cot.two_stages']
    """
    by_name: dict[str, Prompt | str] = {}

    def collect(name: str, prompt: Prompt | str) -> Prompt | str:
        return by_name.setdefault(name, prompt) and prompt

    map_prompts(get(strategy), collect)
    return by_name


def override_prompts(strategies: Sequence[Strategy | str], overrides: Sequence[str]) -> list[Strategy]:
    """Return the strategies with some prompts replaced.

    Args:
        strategies: the strategies or their specs; a prompt is replaced in all that have it.
        overrides: "cot.trigger=TEXT", a whole prompt or a phrase; "cot.two_stages.recap=TEXT", one
            section of a prompt; "cot.two_stages=@FILE.md", a prompt with its sections as headings;
            "…=@FILE", the text of a file; "@FOLDER", all prompts of a folder that `reasoning tune prompts` wrote.

    Raises:
        UnknownName: no prompt or section has the name; suggests the nearest one.
        UsageError: a prompt lacks a placeholder that the replaced one has; names it.
        InputError: the file cannot be read.

    Examples:
        >>> from reasoning import strategies
        >>> strategies.override_prompts([strategies.get("cot")], ["cot.trigger=Take a deep breath."])
        [cot(trigger='Take a deep breath.')]
    """
    originals = [get(strategy) for strategy in strategies]
    known: dict[str, Prompt | str] = {}
    for strategy in originals:
        known |= prompts(strategy)
    values: dict[str, Prompt | str] = {}
    for override in _expand_folders(overrides):
        target, equals, text = override.partition("=")
        if not equals or not target.strip():
            raise UsageError(
                f"a prompt is replaced by NAME=TEXT, such as cot.trigger='Take a deep breath.', got {override!r}"
            )
        name, section = _split_name(_without_alias(target.strip(), originals), known)
        if name in values and not section:
            raise UsageError(f"the prompt {name} is replaced twice; to compare the two, give each as a variant")
        values[name] = _new_value(target.strip(), section, text, values.get(name, known[name]))
    return [map_prompts(strategy, lambda name, prompt: values.get(name, prompt)) for strategy in originals]


def structure_prompts(strategy: S, kinds: Iterable[Kind]) -> S:
    """Return a copy in which every prompt is structured that can be, for some kinds of answer.

    These are the prompts whose reply is the answer, if all kinds have a schema of a reply, with steps
    where the prompt asks for them. Prompts whose replies a technique reads as free text stay as they
    are; see `Strategy.free_text_prompts`.

    Examples:
        >>> from reasoning import kinds, strategies
        >>> structure_prompts(strategies.get("vanilla"), [kinds.Number()])
        vanilla(prompt={'structured': True})
    """
    kinds = list(kinds)
    free = {f"{one.card.name}.{name}" for one in _with_inner(strategy) for name in one.free_text_prompts}

    def change(name: str, prompt: Prompt | str) -> Prompt | str:
        if isinstance(prompt, str) or not prompt.asks_for_answer or name in free:
            return prompt
        schemas = (kind.reply_schema(steps=prompt.asks_for_steps) for kind in kinds)
        return prompt if None in schemas else prompt.replace(structured=True)

    return map_prompts(strategy, change)


def read_tuned(folder: Path | str) -> Strategy:
    """Return the strategy with the prompts that `reasoning tune prompts` found.

    Args:
        folder: the folder that the command wrote. If the search found no better prompts, the strategy has its own.

    Raises:
        InputError: the folder is missing, or is not one of tuned prompts.
        UsageError: a chain was tuned; names the folder of the chain.
    """
    place = Path(folder).expanduser()
    outcome = place / OUTCOME
    if not outcome.is_file():
        missing = f"has no {OUTCOME}, which `reasoning tune prompts` writes" if place.is_dir() else "no such folder"
        raise InputError(f"{place}: {missing}")
    spec = parse_json_object(outcome.read_bytes(), str(outcome)).get("strategy")
    if not isinstance(spec, str):
        raise InputError(f"{outcome}: 'strategy' must be a spec such as 'cot', got {spec!r:.80}")
    if (place / "chain").is_dir():
        raise UsageError(f"{place} is a tuned chain, not a strategy: reasoning chain run {place / 'chain'} FILE")
    try:
        return override_prompts([spec], [f"@{place}"] if _prompt_files(place) else [])[0]
    except UsageError:
        if _prompt_files(place):
            raise
        raise UsageError(
            f"{place}: {spec!r} is not the spec of a strategy; if it is a chain, give its own folder: the search found "
            "no better prompts"
        ) from None


def prompt_variants(
    strategies: Sequence[Strategy], overrides: Sequence[str] = (), variants: Sequence[str] = ()
) -> list[Strategy]:
    """Return the strategies to compare, each original followed by its variants.

    Args:
        strategies: the strategies to compare.
        overrides: prompts to replace in all; see `override_prompts`.
        variants: replaced prompts; each adds one variant of every strategy that has the prompt.
    """
    originals = override_prompts(strategies, overrides)
    columns = [originals, *(override_prompts(originals, [variant]) for variant in variants)]
    return [strategy for row in zip(*columns, strict=True) for strategy in row]


def preview_prompts(strategy: Strategy, problem: Problem) -> dict[str, Conversation]:
    """Return each prompt as it would be sent for a problem, by name.

    The prompts that the technique fills before its first reply are complete, with their
    demonstrations. The others show a placeholder in place of the text of an earlier reply.
    """
    filled: dict[str, Conversation] = {}
    # A wrapper that changes prompts delegates to the strategy with the changed ones.
    while effective := getattr(strategy, "effective", None):
        strategy = effective

    def watch(name: str, prompt: Prompt | str) -> Prompt | str:
        if isinstance(prompt, str):
            return prompt
        sections = {field.name: getattr(prompt, field.name) for field in fields(Prompt)}
        return _WatchedPrompt(**sections, name=name, filled=filled)

    # The solve may lack something that another problem or a parameter would supply.
    with suppress(UsageError):
        map_prompts(strategy, watch).run(problem, LLM(_SilentClient()))
    phrases = {name.rpartition(".")[2]: text for name, text in prompts(strategy).items() if isinstance(text, str)}
    numbers = {name: value for name, value in strategy.parameters() if isinstance(value, int | float)}
    known = {**numbers, **problem.values(), **{name: text for name, text in phrases.items() if text}}
    for name, prompt in prompts(strategy).items():
        if isinstance(prompt, Prompt) and name not in filled:
            filled[name] = prompt.fill(**{key: known.get(key, f"{{{key}}}") for key in prompt.placeholders})
    return {name: filled[name] for name in prompts(strategy) if name in filled}


@dataclass(frozen=True)
class _WatchedPrompt(Prompt):
    """A prompt that records its first filled form."""

    name: str = ""
    filled: dict[str, Conversation] = field(default_factory=dict, compare=False, repr=False)

    def fill(self, **values: object) -> Conversation:
        made = super().fill(**values)
        self.filled.setdefault(self.name, made)
        return made


class _SilentClient(Client):
    """A client that answers no request."""

    model = "none"
    free = True

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        raise CallFailed("no model is called")


def _expand_folders(overrides: Sequence[str]) -> Iterator[str]:
    """Yield the overrides; a folder of prompts is replaced by one override for each of its files."""
    for override in overrides:
        if not override.startswith("@"):
            yield override
            continue
        folder = Path(override[1:]).expanduser()
        files = _prompt_files(folder)
        if not files:
            raise InputError(
                f"{folder}: has no folder prompts/ with .md or .txt files, which `reasoning tune prompts` writes"
            )
        yield from (f"{path.stem}=@{path}" for path in files)


def _prompt_files(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / "prompts").glob("*")) if path.suffix in (".md", ".txt")]


def _without_alias(name: str, strategies: Sequence[Strategy]) -> str:
    technique, dot, rest = name.partition(".")
    all_strategies = [inner for strategy in strategies for inner in _with_inner(strategy)]
    known = next((inner.card.name for inner in all_strategies if technique in inner.card.aliases), technique)
    return f"{known}{dot}{rest}"


def _with_inner(strategy: Strategy) -> list[Strategy]:
    """Return the strategy and all its inner strategies."""
    return [strategy, *(one for inner in strategy.inner_strategies() for one in _with_inner(inner))]


def _split_name(name: str, known: Mapping[str, Prompt | str]) -> tuple[str, str]:
    """Return the name of a prompt and its section; the section is empty for the whole prompt."""
    if name in known:
        return name, ""
    whole, _, section = name.rpartition(".")
    prompt = known.get(whole)
    if isinstance(prompt, Prompt):
        sections = [field.name for field in fields(prompt) if field.name != "examples"]
        if section in sections:
            return whole, section
        raise UnknownName("section", section, sections, f"of the prompt {whole}")
    raise UnknownName("prompt", name, known)


def _new_value(name: str, section: str, text: str, before: Prompt | str) -> Prompt | str:
    path = Path(text[1:]) if text.startswith("@") else None
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"prompt {name}: {path}: cannot be read: {getattr(error, 'strerror', None) or error}"
            ) from None
        text = text if path.suffix == ".md" else text.rstrip("\n")
    if isinstance(before, str):
        return text
    if section:
        new = before.with_plain({section: tuple(text.splitlines()) if section in _LINES else text})
    elif path is not None and path.suffix == ".md":
        new = prompt_markdown.from_markdown(text, path, before.form, before.turns, before.titles)
    else:
        new = Prompt(input=text, form=before.form, turns=before.turns, titles=before.titles)
    new = new if section else new.replace(structured=before.structured)
    if lost := sorted(before.placeholders - new.placeholders):
        raise UsageError(
            f"prompt {name}: the new prompt lacks {', '.join(f'{{{key}}}' for key in lost)}, which the replaced one "
            "has: that text would not reach the model (a spec may leave it out: cot(two_stages={'input': …}))"
        )
    return new
