"""Static checks of a chain: steps that do not fit together, unused steps, long prompts, secrets. No model is called."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from reasoning import prompt_markdown, toml_io
from reasoning.chain.chain import Chain
from reasoning.chain.code_loader import UnresolvedFunction
from reasoning.chain.diagram import kind_label
from reasoning.chain.folder import chain_file, load
from reasoning.chain.list_kind import ListOf
from reasoning.chain.prompt_preview import prompt_tokens
from reasoning.chain.step import RETRY_PLACEHOLDERS, Step
from reasoning.chain.validators import as_validators, coerce
from reasoning.errors import UsageError, nearest
from reasoning.kinds import Cells, Choice, Items, Json, Kind, Label, Spans, Text, YesNo
from reasoning.prompts import KIND_PLACEHOLDERS, PLACEHOLDER
from reasoning.registry import get
from reasoning.sampling_params import PARAM_NAMES, find_wrong_value, is_known
from reasoning.secret_scan import find_secrets

LONG_PROMPT = 3_000
"""The number of tokens, without values, above which a prompt gets a warning."""

_PYTHON_TYPES: dict[type[Any], tuple[type, ...]] = {
    Items: (tuple,),
    Cells: (tuple,),
    ListOf: (tuple,),
    Spans: (tuple,),
    Label: (str,),
    Text: (str,),
    Choice: (str,),
    YesNo: (bool,),
    Json: (dict, list),
}
"""The Python types of a kind's values, to compare with the annotations of a function."""

Locate = Callable[[str, str], str]
"""A function of a step's name ("" for the chain) and a key that returns their place, such as "chain.toml:7".

For a line of a step's prompt the key is "prompt: LINE".
"""

_NEGATION = re.compile(
    r"\W*(?:(?:you )?(?:do|must|should|shall|may|can|could|will|would|is|are)(?:n['’]?t| not)\b"
    r"|(?:no(?:t|ne|thing|body)?|never|neither|without|cannot|stop|skip|leave out|(?:under|in|on|at|by) no)\b"
    r"|(?:avoid|refrain|omit|exclud))"
    r"|.*\b(?:nicht|nie|niemals|keine?[mnrs]?|ohne|vermeide\w*|ne|n['’]\w+|pas|jamais|sans|évite[rz]?|nunca|jamás|sin"
    r"|evit\w+|non(?!-)|mai|não|sem|niet|geen)\b",
    re.IGNORECASE | re.DOTALL,
)
"""A line that forbids something by its own words: at its beginning in English, anywhere in other languages. Lines
without Latin letters are not checked."""

_PLACEHOLDER_LIKE = re.compile(r"\{[ \t]*([A-Za-z_]\w*)(?:[.\[!][^{}\n]*)?[ \t]*\}")
"""Placeholders of other template languages: {Text}, { text }, {text.name}."""

_UNCLOSED = re.compile(r"\{([A-Za-z_]\w*)(?=[ \t]*$)", re.MULTILINE)
"""A placeholder at the end of a line that lacks its second brace."""


@dataclass(frozen=True)
class LintFinding:
    """A problem of a chain.

    Attributes:
        level: "error" for a chain that cannot work or must not be used, "warning" for a likely mistake.
        location: the file and line, or the step.
        message: the problem, and how to solve it.
    """

    level: Literal["error", "warning"]
    location: str
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.level}: {self.message}"


def lint_folder(folder: Path) -> tuple[Chain, list[LintFinding]]:
    """Load a chain and check it, with its inner chains and for secrets. Only code of bundled chains is imported.

    Args:
        folder: the chain's folder, or one of its .toml files.

    Returns:
        The chain, and its problems with file and line.

    Raises:
        InputError: the folder holds no valid chain; names file and line.
    """
    chain = load(folder, "none")
    return chain, [
        *lint(chain, _locator(folder)),
        *_lint_inner(chain, folder),
        *_find_secrets(chain_file(folder).parent),
    ]


def _locate_step(step: str, key: str) -> str:
    return f"step {step!r}" if step else "the chain"


def lint(chain: Chain, locate: Locate = _locate_step) -> list[LintFinding]:
    """Return the problems of a chain, without those of its inner chains.

    Args:
        chain: the chain.
        locate: returns the place of a step's key for the findings; by default the step's name.
    """
    findings = [LintFinding("error", locate(name, "name"), message) for name, message in _unused_steps(chain)]
    if chain.inputs is None:
        names = [step.name for step in chain.steps]
        near = {name: nearest(name, names) for name in sorted(chain.input_names)}
        findings += [
            LintFinding("warning", locate("", "name"), f"{{{name}}} is an input; did you mean the step {{{like}}}?")
            for name, like in near.items()
            if like
        ]
    findings += [
        LintFinding("error", locate("", name), f"nothing uses the input {name!r}")
        for name in chain.inputs or ()
        if not any(name in step.dependencies or step.parse or step.check or step.fallback for step in chain.steps)
    ]
    for step in chain.steps:
        findings += [LintFinding("error", locate(step.name, key), message) for key, message in _mismatches(chain, step)]
        findings += [LintFinding("warning", locate(step.name, key), message) for key, message in _warnings(chain, step)]
    return findings


def _unused_steps(chain: Chain) -> Iterator[tuple[str, str]]:
    read = frozenset[str]().union(*chain.dependencies.values())
    for step in chain.steps[:-1]:
        if step.name not in read and not step.keep:
            yield step.name, f"nothing uses the step {step.name!r}; if its result is wanted, set keep = true"


def _mismatches(chain: Chain, step: Step) -> Iterator[tuple[str, str]]:
    """Yield the key and the message of each error of a step."""
    for name, value in step.sampling.items():
        if wrong := find_wrong_value(name, value):
            yield "sampling", wrong
    if step.model is not None and not step.model.strip():
        yield "model", "the model must be a name such as 'openai/gpt-4o-mini', got an empty text"
    if isinstance(step.returns, Spans) and not step.returns.text:
        yield "returns", "spans lie in one text, so a step needs it: Spans(labels, text); or let it return Json()"
    if step.loop:
        kind = chain.kind_of(step.loop[1])
        if not isinstance(kind, Items | Cells | ListOf | Json):
            yield "for_each", f"{step.loop[1]!r} must be a list, but it is {_describe(kind)}"
    for name, labels in step.only_if.items():
        kind = chain.kind_of(name)
        known = ("yes", "no") if isinstance(kind, YesNo) else getattr(kind, "labels", getattr(kind, "options", None))
        if not isinstance(kind, Label | Choice | YesNo) or known is None:
            yield "only_if", f"{name!r} must be a label, a choice, or yes or no, but it is {_describe(kind)}"
            continue
        for label in labels:
            if label.casefold() not in [option.casefold() for option in known]:
                near = nearest(label, known)
                hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known)}"
                yield "only_if", f"{name!r} is never {label!r}; {hint}"
    if step.prompt is not None and step.prompt.form == "plain":
        for line in step.prompt.donts:
            if re.search("[A-Za-z]", line) and not _NEGATION.match(line):
                problem = f"the plain form has no headings, so {line!r:.60} under Don't would be sent as an instruction"
                yield f"prompt: {line}", f"{problem}: write 'Do not …', or set another form, such as \"markdown\""
    if step.first_of:
        kinds = {name: chain.kind_of(name) for name in step.first_of}
        first = kinds[step.first_of[0]]
        for name, kind in kinds.items():
            if kind != first:
                both = f"{step.first_of[0]!r} is {_describe(first)} and {name!r} is {_describe(kind)}"
                yield "first_of", f"all steps of first_of must be of one kind, but {both}"
    if step.chain is not None:
        yield from _inner_input_errors(chain, step)
        inner = step.chain.output_kind
        texts = isinstance(step.returns, Text) and isinstance(inner, Text)
        if step.returns not in (Text(), inner) and not texts:
            own, theirs = _describe(step.returns), _describe(inner)
            both = f"{theirs}, not {own}" if own != theirs else f"{inner!r}, not {step.returns!r}"
            yield "returns", f"the inner chain gives {both}: leave returns out"
    if step.if_empty is not None:
        try:
            coerce(step.output_kind, step.if_empty)
        except UsageError as error:
            yield "if_empty", f"if_empty must be {_describe(step.output_kind)}, but {error}"
    if step.strategy:
        try:
            get(step.strategy).check_supports(step.returns)
        except UsageError as error:
            yield "strategy", str(error)
    if step.function is not None and not isinstance(step.function, UnresolvedFunction):
        yield from _parameter_errors(chain, step)


def _inner_input_errors(chain: Chain, step: Step) -> Iterator[tuple[str, str]]:
    """Yield the errors of an inner chain's inputs."""
    assert step.chain is not None
    for name, wanted in (step.chain.inputs or {}).items():
        kind = _kind_for(chain, step, step.rename.get(name, name))
        if kind is not None and not isinstance(wanted, Text) and type(wanted) is not type(kind):
            yield "rename", f"the inner chain's {name!r} must be {_describe(wanted)}, but it gets {_describe(kind)}"
    for name in step.rename.keys() - step.chain.input_names:
        near = nearest(name, step.chain.input_names) or ", ".join(sorted(step.chain.input_names))
        yield "rename", f"the inner chain has no input {name!r}; did you mean {near!r}?"


def _parameter_errors(chain: Chain, step: Step) -> Iterator[tuple[str, str]]:
    """Yield the parameters of a function that do not exist or whose annotations do not fit."""
    assert step.function is not None
    try:
        hints = typing.get_type_hints(step.function)
        parameters = inspect.signature(step.function).parameters
    except (TypeError, ValueError, NameError):
        return
    function = step.function.__name__
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for name in step.reads:
        if name not in parameters and not takes_any:
            near = nearest(name, parameters) or ", ".join(parameters)
            yield "reads", f"{function} has no parameter {name!r}; did you mean {near!r}?"
            continue
        kind = _kind_for(chain, step, step.rename.get(name, name))
        wanted = typing.get_origin(hints.get(name)) or hints.get(name)
        types = _PYTHON_TYPES.get(type(kind), ())
        if isinstance(wanted, type) and types and not any(issubclass(type_, wanted) for type_ in types):
            yield "reads", f"{function} takes {name!r} as {wanted.__name__}, but it gets {_describe(kind)}"


def _kind_for(chain: Chain, step: Step, name: str) -> Kind | None:
    """Return the kind of a name that a step reads. The item of a loop has the kind of the list's items, if known."""
    if step.loop and name == step.loop[0]:
        kind = chain.kind_of(step.loop[1])
        return kind.of if isinstance(kind, ListOf) else Text() if isinstance(kind, Items | Cells) else None
    return chain.kind_of(name)


def _warnings(chain: Chain, step: Step) -> Iterator[tuple[str, str]]:
    """Yield the key and the message of each likely mistake of a step."""
    is_last = step is chain.steps[-1]
    conditional = step.only_if or (
        not step.first_of and any(chain.step(name).only_if for name in chain.dependencies[step.name])
    )
    if is_last and conditional:
        yield "name", "the last step may be skipped, and the chain then has no value: end with first_of the branches"
    for found, meant in _placeholder_mistakes(step, (*chain.input_names, *(other.name for other in chain.steps))):
        yield f"prompt: {found}", f"{found} is not a placeholder and is sent as it is; did you mean {{{meant}}}?"
    if step.prompt is not None and not step.strategy:
        prompt = step.prompt
        told = prompt.output_format or prompt.placeholders & KIND_PLACEHOLDERS or step.structured
        if not (told or isinstance(step.returns, Text)):
            advice = "add # Output format, or {direct_instruction}"
            yield "prompt", f"the prompt does not say what {_describe(step.returns)} must look like: {advice}"
        retried = step.max_attempts > 1 and not prompt.placeholders & RETRY_PLACEHOLDERS
        if retried and not step.sampling.get("temperature"):
            problem = "all attempts ask the same at temperature 0"
            yield "max_attempts", f"{problem}: name {{error}} in the prompt, or set a temperature"
        if (count := prompt_tokens(step) or 0) > LONG_PROMPT:
            yield "prompt", f"the prompt has about {count:,} tokens before any value is filled in"
    for name in step.sampling:
        if not is_known(name):
            near = nearest(name, PARAM_NAMES)
            yield "sampling", f"unknown sampling parameter {name!r}" + (f"; did you mean {near!r}?" if near else "")
    for function in (step.function, step.parse, step.fallback, *as_validators(step.check)):
        if isinstance(function, UnresolvedFunction):
            yield "name", f"the function {function.reference} was not checked: it needs --allow-code to run"


def _placeholder_mistakes(step: Step, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each text of a prompt that looks like the placeholder of a known name but is not one, and the name."""
    known = {name.casefold(): name for name in (*names, *KIND_PLACEHOLDERS, *RETRY_PLACEHOLDERS)}
    prompt = step.prompt
    for text in (*prompt.sections.values(), prompt.input, prompt.recap) if prompt is not None else ():
        rest = PLACEHOLDER.sub("", text)
        for match in (*_PLACEHOLDER_LIKE.finditer(rest), *_UNCLOSED.finditer(rest)):
            if name := known.get(match[1].casefold()):
                yield match[0], name


def _lint_inner(chain: Chain, folder: Path) -> list[LintFinding]:
    """Return the problems of a chain's inner chains."""
    toml = toml_io.TomlFile(chain_file(folder))
    findings = []
    for table, step in zip(toml.values["step"], chain.steps, strict=True):
        if step.chain is not None:
            inner = toml.path.parent / table["chain"]
            findings += [*lint(step.chain, _locator(inner)), *_lint_inner(step.chain, inner)]
    return findings


def _find_secrets(folder: Path) -> Iterator[LintFinding]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".md", ".toml", ".py") and path.is_file():
            for line, secret in find_secrets(toml_io.read_text(path)):
                message = f"this looks like {secret}; remove it, because it is stored and sent with the chain"
                yield LintFinding("error", f"{path}:{line}", message)


def _locator(folder: Path) -> Locate:
    """Return the function that finds the file and the line of a step's key in a folder."""
    toml = toml_io.TomlFile(chain_file(folder))
    numbers: Mapping[str, int] = {table["name"]: number for number, table in enumerate(toml.values["step"])}

    def locate(step: str, key: str) -> str:
        key, _, text = key.partition(": ")
        if step and text:
            path = toml.path.parent / toml.values["step"][numbers[step]]["prompt"]
            return f"{path}:{prompt_markdown.line_of(toml_io.read_text(path), text.partition(chr(10))[0])}"
        if step:
            return f"{toml.path}:{toml.line('step', numbers[step], key)}"
        in_inputs = key in toml.values.get("inputs", {})
        return f"{toml.path}:{toml.line('inputs' if in_inputs else '', 0, key)}"

    return locate


def _describe(kind: Kind | None) -> str:
    """Return the name of a kind with its article."""
    if kind is None:
        return "of no known kind"
    without_article = {"items": "items", "json": "JSON", "yesno": "yes or no"}
    label = kind_label(kind)
    if label in without_article:
        return without_article[label]
    return label if isinstance(kind, ListOf) else f"an {label}" if label[0] in "aeiou" else f"a {label}"
