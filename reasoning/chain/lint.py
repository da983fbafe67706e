"""What can be told of a chain without a call: what does not fit together, what is of no use, what is too long."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from reasoning import prompt_markdown
from reasoning.chain import toml_io
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import UnresolvedFunction
from reasoning.chain.diagram import kind_label
from reasoning.chain.folder import CHAIN_FILE, load
from reasoning.chain.list_kind import ListOf
from reasoning.chain.prompt_preview import prompt_tokens
from reasoning.chain.secret_scan import find_secrets
from reasoning.chain.step import KIND_PLACEHOLDERS, RETRY_PLACEHOLDERS, Step
from reasoning.chain.validators import as_validators, coerce
from reasoning.errors import UsageError, nearest
from reasoning.kinds import Cells, Choice, Items, Json, Kind, Label, Text, YesNo
from reasoning.prompts import PLACEHOLDER
from reasoning.registry import get
from reasoning.sampling_params import PARAM_NAMES, is_known

LONG = 3_000
"""Tokens of a prompt, without data, from which on a note says so."""

_VALUES: dict[type[Any], tuple[type, ...]] = {
    Items: (tuple,),
    Cells: (tuple,),
    ListOf: (tuple,),
    Label: (str,),
    Text: (str,),
    Choice: (str,),
    YesNo: (bool,),
    Json: (dict, list),
}
"""What the values of a kind are in Python, where a function says what it takes."""


@dataclass(frozen=True)
class LintFinding:
    """Something that a check found.

    Attributes:
        level: "error" for what cannot work or must not be, "warning" for what is likely not meant.
        where: file and line, or the step.
        text: what is wrong, and what would be right.
    """

    level: Literal["error", "warning"]
    location: str
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.level}: {self.message}"


Locate = Callable[[str, str], str]
"""From a step's name ("" for the chain) and a key to where it stands. Of a prompt's text the key is `prompt: TEXT`."""

_NEGATION = re.compile(
    r"\W*(?:(?:you )?(?:do|must|should|shall|may|can|could|will|would|is|are)(?:n['’]?t| not)\b"
    r"|(?:no|not|never|none|nothing|nobody|neither|without|cannot|stop|skip|leave out|(?:under|in|on|at|by) no)\b"
    r"|(?:avoid|refrain|omit|exclud))"
    r"|.*\b(?:nicht|nie|niemals|keine?[mnrs]?|ohne|vermeide\w*|ne|n['’]\w+|pas|jamais|sans|évite[rz]?|nunca|jamás|sin"
    r"|evit\w+|non(?!-)|mai|não|sem|niet|geen)\b",
    re.IGNORECASE | re.DOTALL,
)
"""A line that says by itself that something is not to be done: in English at its beginning, else anywhere in it. What
is in no Latin letters is not looked into."""


_LIKE = re.compile(r"\{[ \t]*([A-Za-z_]\w*)(?:[.\[!][^{}\n]*)?[ \t]*\}")
"""What other template languages take for a placeholder: {Text}, { text }, {text.name}."""


def lint_folder(folder: Path) -> tuple[Chain, list[LintFinding]]:
    """The chain in a folder, with what is wrong with it. Its code is named and not run, unless it is known.

    Raises:
        InputError: the folder holds no chain; names file and line.
    """
    chain = load(folder, "none")
    return chain, [*lint(chain, _places(folder)), *_inner(chain, folder), *_secrets(folder)]


def lint(
    chain: Chain, place: Locate = lambda step, key: f"step {step!r}" if step else "the chain"
) -> list[LintFinding]:
    """What is wrong with a chain, without those within it."""
    found = [LintFinding("error", place(name, "name"), text) for name, text in _unused(chain)]
    if chain.inputs is None:
        names = [step.name for step in chain.steps]
        near = {name: nearest(name, names) for name in sorted(chain.input_names)}
        found += [
            LintFinding("warning", place("", "name"), f"{{{name}}} is an input; did you mean the step {{{like}}}?")
            for name, like in near.items()
            if like
        ]
    found += [
        LintFinding("error", place("", name), f"nothing uses the input {name!r}")
        for name in chain.inputs or ()
        if not any(name in step.dependencies or step.check or step.fallback for step in chain.steps)
    ]
    for step in chain.steps:
        found += [LintFinding("error", place(step.name, key), text) for key, text in _mismatches(chain, step)]
        found += [LintFinding("warning", place(step.name, key), text) for key, text in _doubts(chain, step)]
    return found


def _unused(chain: Chain) -> Iterator[tuple[str, str]]:
    read = frozenset[str]().union(*chain.dependencies.values())
    for step in chain.steps[:-1]:
        if step.name not in read and not step.keep:
            yield step.name, f"nothing uses the step {step.name!r}; if its result is wanted, say keep = true"


def _mismatches(chain: Chain, step: Step) -> Iterator[tuple[str, str]]:
    """Where a step cannot take what another gives: the key, and why."""
    if step.loop:
        kind = chain.kind_of(step.loop[1])
        if not isinstance(kind, Items | Cells | ListOf | Json):
            yield "for_each", f"{step.loop[1]!r} gives {_said(kind)}, and no list to take items from"
    for name, labels in step.only_if.items():
        kind = chain.kind_of(name)
        known = ("yes", "no") if isinstance(kind, YesNo) else getattr(kind, "labels", getattr(kind, "options", None))
        if not isinstance(kind, Label | Choice | YesNo) or known is None:
            yield "only_if", f"{name!r} gives {_said(kind)}; a branch wants a label, a choice, or yes or no"
            continue
        for label in labels:
            if label.casefold() not in [one.casefold() for one in known]:
                near = nearest(label, known)
                hint = f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"
                yield "only_if", f"{name!r} is never {label!r}; {hint}"
    if step.prompt is not None and step.prompt.form == "plain":
        for line in step.prompt.donts:
            if re.search("[A-Za-z]", line) and not _NEGATION.match(line):
                shown = f"{line!r:.60} under Don't would be sent as a thing to do"
                better = "write 'Do not …', or take another form, such as form = \"markdown\""
                yield f"prompt: {line}", f"the plain form has no headings, so that {shown}: {better}"
    if step.first_of:
        kinds = {name: chain.kind_of(name) for name in step.first_of}
        first = kinds[step.first_of[0]]
        for name, kind in kinds.items():
            if kind != first:
                yield (
                    "first_of",
                    f"{step.first_of[0]!r} gives {_said(first)} and {name!r} {_said(kind)}: a join is of one kind",
                )
    if step.chain is not None:
        yield from _inner_inputs(chain, step)
        inner = step.chain.output_kind
        texts = isinstance(step.returns, Text) and isinstance(inner, Text)
        if step.returns not in (Text(), inner) and not texts:
            own, theirs = _said(step.returns), _said(inner)
            both = f"{theirs}, not {own}" if own != theirs else f"{inner!r}, not {step.returns!r}"
            yield "returns", f"the inner chain gives {both}: leave returns out"
    if step.if_empty is not None:
        try:
            coerce(step.output_kind, step.if_empty)
        except UsageError as error:
            yield "if_empty", f"the step gives {_said(step.output_kind)}, but {error}"
    if step.strategy:
        yield from _strategy(step)
    if step.function is not None and not isinstance(step.function, UnresolvedFunction):
        yield from _parameters(chain, step)


def _inner_inputs(chain: Chain, step: Step) -> Iterator[tuple[str, str]]:
    assert step.chain is not None
    for theirs, wanted in (step.chain.inputs or {}).items():
        given = _kind_for(chain, step, step.rename.get(theirs, theirs))
        if given is not None and not isinstance(wanted, Text) and type(wanted) is not type(given):
            yield "rename", f"the inner chain's {theirs!r} is {_said(wanted)}, but it gets {_said(given)}"
    for theirs in step.rename.keys() - step.chain.input_names:
        near = nearest(theirs, step.chain.input_names) or ", ".join(sorted(step.chain.input_names))
        yield "rename", f"the inner chain has no input {theirs!r}; did you mean {near!r}?"


def _strategy(step: Step) -> Iterator[tuple[str, str]]:
    try:
        get(step.strategy).check_supports(step.returns)
    except UsageError as error:
        yield "strategy", str(error)


def _parameters(chain: Chain, step: Step) -> Iterator[tuple[str, str]]:
    """Where a function says that it takes something else than it gets."""
    assert step.function is not None
    try:
        hints = typing.get_type_hints(step.function)
        taken = inspect.signature(step.function).parameters
    except (TypeError, ValueError, NameError):
        return
    for theirs in step.reads:
        if theirs not in taken and not any(one.kind is one.VAR_KEYWORD for one in taken.values()):
            near = nearest(theirs, taken) or ", ".join(taken)
            yield "reads", f"{step.function.__name__} takes no {theirs!r}; did you mean {near!r}?"
            continue
        given = _kind_for(chain, step, step.rename.get(theirs, theirs))
        wanted = typing.get_origin(hints.get(theirs)) or hints.get(theirs)
        values = _VALUES.get(type(given), ())
        if isinstance(wanted, type) and values and not any(issubclass(one, wanted) for one in values):
            yield "reads", f"{step.function.__name__} takes {theirs!r} as {wanted.__name__}, but it gets {_said(given)}"


def _kind_for(chain: Chain, step: Step, name: str) -> Kind | None:
    """The kind of what a step gets under a name; of an item where its list says it."""
    if step.loop and name == step.loop[0]:
        of = chain.kind_of(step.loop[1])
        return of.of if isinstance(of, ListOf) else Text() if isinstance(of, Items | Cells) else None
    return chain.kind_of(name)


def _doubts(chain: Chain, step: Step) -> Iterator[tuple[str, str]]:
    """What is likely not meant: the key, and why."""
    is_last = step is chain.steps[-1]
    branched = step.only_if or (
        not step.first_of and any(chain.step(name).only_if for name in chain.dependencies[step.name])
    )
    if is_last and branched:
        yield "name", "the last step may not be run, and the chain then has no value: end with a join of the branches"
    for written, meant in _written(step, (*chain.input_names, *(one.name for one in chain.steps))):
        yield f"prompt: {written}", f"{written} is no placeholder and is sent as it stands; did you mean {{{meant}}}?"
    if step.prompt is not None and not step.strategy:
        prompt = step.prompt
        asks = prompt.output_format or prompt.placeholders & KIND_PLACEHOLDERS or isinstance(step.returns, Text)
        if not asks:
            yield (
                "prompt",
                f"the prompt does not say what {_said(step.returns)} looks like: # Output format, or {{direct}}",
            )
        if (
            step.max_attempts > 1
            and not prompt.placeholders & RETRY_PLACEHOLDERS
            and not step.sampling.get("temperature")
        ):
            yield (
                "max_attempts",
                "each try asks the same at temperature 0: name {error} in the prompt, or set a temperature",
            )
        if (count := prompt_tokens(step) or 0) > LONG:
            yield "prompt", f"the prompt is about {count:,} tokens long before anything is filled in"
    for name in step.sampling:
        if not is_known(name):
            near = nearest(name, PARAM_NAMES)
            yield "sampling", f"unknown setting {name!r}" + (f"; did you mean {near!r}?" if near else "")
    code = [
        one for one in (step.function, step.fallback, *as_validators(step.check)) if isinstance(one, UnresolvedFunction)
    ]
    for one in code:
        yield "name", f"names code, {one.reference}, that was not looked into: it runs with --allow-code only"


def _written(step: Step, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What in a prompt looks like the placeholder of a name and is none, and the name."""
    known = {name.casefold(): name for name in (*names, *KIND_PLACEHOLDERS, *RETRY_PLACEHOLDERS)}
    prompt = step.prompt
    for text in (*prompt.sections.values(), prompt.input, prompt.recap) if prompt is not None else ():
        for found in _LIKE.finditer(PLACEHOLDER.sub("", text)):
            if name := known.get(found[1].casefold()):
                yield found[0], name


def _inner(chain: Chain, folder: Path) -> list[LintFinding]:
    """What is wrong with the chains within a chain."""
    source = toml_io.TomlFile(folder / CHAIN_FILE)
    found = []
    for table, step in zip(source.values["step"], chain.steps, strict=True):
        if step.chain is not None:
            inner = folder / table["chain"]
            found += [*lint(step.chain, _places(inner)), *_inner(step.chain, inner)]
    return found


def _secrets(folder: Path) -> Iterator[LintFinding]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".md", ".toml", ".py") and path.is_file():
            for line, what in find_secrets(toml_io.read_text(path)):
                yield LintFinding("error", f"{path}:{line}", f"this looks like {what}: whoever sees the chain sees it")


def _places(folder: Path) -> Locate:
    source = toml_io.TomlFile(folder / CHAIN_FILE)
    numbers: Mapping[str, int] = {table["name"]: number for number, table in enumerate(source.values["step"])}

    def place(step: str, key: str) -> str:
        key, _, text = key.partition(": ")
        if step and text:
            path = folder / source.values["step"][numbers[step]]["prompt"]
            return f"{path}:{prompt_markdown.line_of(toml_io.read_text(path), text.partition(chr(10))[0])}"
        if step:
            return f"{source.path}:{source.line('step', numbers[step], key)}"
        in_inputs = key in source.values.get("inputs", {})
        return f"{source.path}:{source.line('inputs' if in_inputs else '', 0, key)}"

    return place


def _said(kind: Kind | None) -> str:
    if kind is None:
        return "nothing that is known"
    article = {"items": "items", "json": "JSON", "yesno": "yes or no"}
    word = kind_label(kind)
    return article.get(word, word if isinstance(kind, ListOf) else f"an {word}" if word[0] in "aeiou" else f"a {word}")
