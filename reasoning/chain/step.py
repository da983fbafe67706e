"""The `Step` of a chain: its inputs, the source of its value, and the checks of the value."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reasoning.chain.list_kind import ListOf
from reasoning.chain.validators import Fallback, Parse, Validator, as_validators, plain_json
from reasoning.errors import UsageError
from reasoning.kinds import Json, Kind, Text
from reasoning.kinds.registry import check_is_kind
from reasoning.kinds.reply_format import response_format
from reasoning.prompts import KIND_PLACEHOLDERS, Prompt
from reasoning.registry import get
from reasoning.strategy import Strategy

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain

RETRY_PLACEHOLDERS = frozenset({"error", "previous"})
"""Placeholders that a step with `max_attempts` fills from the previous attempt; empty at the first attempt."""

_NAME = re.compile(r"[a-z_]\w*")
_LOOP = re.compile(r"\s*([a-z_]\w*)\s+in\s+([a-z_]\w*)\s*")


@dataclass(frozen=True)
class Step:
    """One step of a chain. Exactly one of `prompt`, `function`, `chain` and `first_of` provides its value.

    The parameters have the same names as the keys of `chain.toml`.

    Attributes:
        name: the name by which later steps read the result.
        prompt: the prompt; its placeholders name inputs of the chain or other steps.
        returns: the kind that parses the reply and to which a function's value is coerced. Later
            steps get the value, shown by this kind, never the raw reply. With `chain` the default is
            the kind of the inner chain's value.
        parse: a function that reads a reply in the forms that the kind does not know, such as a table
            or a list with headings. Where it returns None, the kind parses the reply.
        check: further validators of the value, one or a tuple.
        max_repairs: the most times that a rejected reply is sent back with the error message.
        fallback: a function that replaces a value that stays rejected by one of the same kind; the
            trace records it. With `for_each` it also replaces the value of an item whose prompt the
            provider refuses. Without a fallback the chain stops here.
        if_empty: the step's value, without a call, if an input of the step is empty. None: the
            step is always run.
        structured: whether the reply to the prompt must be JSON that fits the schema of `returns`, see
            `Kind.reply_schema`. A prompt without `{instruction}` and `{direct_instruction}` gets the
            instruction for it at its end. `parse` then reads only replies in another form, of models
            that cannot reply so.
        sampling: sampling parameters of this step's calls, such as `{"temperature": 0.7}`.
        strategy: the strategy that answers the prompt, or its spec:
            "self_consistency(cot, samples=5)".
        model: the name of the model for this step; by default the chain's.
        function: a function that computes the value without a model; the names of its parameters
            are the names that the step reads.
        reads: the names that `function` reads, if its parameters do not say so.
        chain: an inner chain that provides the value; it reads its inputs by their names.
        rename: for `function` and `chain`, the name in this chain for each of their parameters or
            inputs that is called otherwise: `{"theirs": "ours"}`.
        first_of: names of steps, some of which may be skipped; the value is copied from the first
            one that was run.
        for_each: "item in items": the step is run for each item of a list, and its value is the list
            of results.
        concurrency: with `for_each`, the most items that are processed at once.
        only_if: the step is run only if a step has one of these labels:
            `{"language": ("German", "French")}`. Steps that read a skipped step are skipped too,
            except by `first_of`.
        max_attempts: the most times that the step is run, each time with new draws, until its
            value is accepted. Its prompt may name the rejected value and the reason: `{previous}`,
            `{error}`.
        keep: True for a result that is wanted although no other step reads it.

    Raises:
        UsageError: a parameter has a wrong value, or parameters do not fit together; a structured step
            has no prompt of its own, or a kind without a schema of a reply.

    Examples:
        >>> from reasoning import Chain, Prompt, Step, kinds
        >>> from reasoning.testing import ScriptedLLM
        >>> def positive(value):
        ...     return None if value > 0 else "The number must be positive."
        >>> step = Step("count", Prompt(input="How many? {text}"), returns=kinds.Number(), check=positive)
        >>> llm = ScriptedLLM(["Answer: -3", "Answer: 3"])
        >>> int(Chain(step).run("three mice", llm).value)
        3
        >>> llm.requests[1].messages[-1].content.splitlines()[0]
        'That is not usable: The number must be positive.'
    """

    name: str
    prompt: Prompt | None = None
    returns: Kind = field(default_factory=Text)
    parse: Parse | None = None
    check: Validator | tuple[Validator, ...] | None = None
    max_repairs: int = 1
    fallback: Fallback | None = None
    if_empty: Any = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    strategy: str | Strategy = ""
    model: str | None = None
    function: Callable[..., Any] | None = None
    reads: tuple[str, ...] = ()
    chain: Chain | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    first_of: tuple[str, ...] = ()
    for_each: str = ""
    concurrency: int = 8
    only_if: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    max_attempts: int = 1
    keep: bool = False
    structured: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise UsageError(
                f"a step's name must be a word such as 'issues', got {self.name!r}: prompts name it {{issues}}"
            )
        if self.name in KIND_PLACEHOLDERS | RETRY_PLACEHOLDERS:
            raise UsageError(f"no step can be named {self.name!r}: prompts use this placeholder for something else")
        sources = [source for source in ("prompt", "function", "chain", "first_of") if getattr(self, source)]
        if len(sources) != 1:
            got = f"got {' and '.join(sources)}" if sources else "got none"
            raise self._error(f"a step needs exactly one of prompt, function, chain and first_of, {got}")
        if self.prompt is not None and not isinstance(self.prompt, Prompt):
            raise self._error(f"prompt must be a Prompt; write Prompt(input={self.prompt!r:.60})")
        if not isinstance(self.only_if, Mapping):
            raise self._error(f"only_if must be a mapping such as {{'step': 'label'}}, got {self.only_if!r:.60}")
        if self.prompt is not None and self.prompt.structured:
            object.__setattr__(self, "structured", True)
            object.__setattr__(self, "prompt", self.prompt.replace(structured=False))
        for name, needed in (("strategy", "prompt"), ("parse", "prompt"), ("reads", "function")):
            if getattr(self, name) and not getattr(self, needed):
                raise self._error(f"{name} needs a {needed}")
        if self.first_of and (
            self.check or self.fallback or self.loop or self.max_attempts != 1 or self.returns != Text()
        ):
            raise self._error(
                "first_of takes a value as it is: it allows no check, fallback, returns, for_each or max_attempts"
            )
        for name, least in (("max_repairs", 0), ("concurrency", 1), ("max_attempts", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise self._error(f"{name} must be a whole number of at least {least}, got {value!r}")
        if self.for_each and not _LOOP.fullmatch(self.for_each):
            raise self._error(f"for_each must be 'item in items', got {self.for_each!r}")
        if self.function and not self.reads:
            object.__setattr__(self, "reads", _parameters(self.function))
        for name in ("first_of", "reads"):
            object.__setattr__(self, name, self._names(name, getattr(self, name)))
        self._names("rename", list(self.rename.values()))
        labels = {
            name: (label,) if isinstance(label, str) else self._names("only_if", label)
            for name, label in self.only_if.items()
        }
        object.__setattr__(self, "only_if", labels)
        try:
            check_is_kind(self.returns, "returns")
            as_validators(self.check)
        except UsageError as error:
            raise self._error(str(error)) from None
        if self.structured:
            self._check_structured()
        for name in ("parse", "fallback"):
            if inspect.iscoroutinefunction(getattr(self, name)):
                raise self._error(f"{name} must be a plain function, got an async one")
        # Values take the form that a folder gives them, so that a loaded step equals the saved one.
        if not isinstance(self.strategy, str):
            object.__setattr__(self, "strategy", _spec(self.strategy))
        empty = plain_json(self.if_empty)
        listed = isinstance(empty, list) and (self.loop or not isinstance(self.kind, Json))
        object.__setattr__(self, "if_empty", tuple(empty) if listed else empty)
        object.__setattr__(self, "sampling", plain_json(self.sampling))
        object.__setattr__(self, "check", tuple(self.check) if isinstance(self.check, list) else self.check)

    def _check_structured(self) -> None:
        if self.prompt is None:
            raise self._error("structured needs a prompt")
        if self.strategy:
            raise self._error(
                "structured is for a step without a strategy, whose own prompts ask for the answer; set it there: "
                "strategy = \"vanilla(prompt={'structured': True})\""
            )
        try:
            response_format(self.returns, steps=self._writes_steps)
        except UsageError as error:
            raise self._error(str(error)) from None

    @cached_property
    def response_format(self) -> Mapping[str, Any] | None:
        """The format of the replies to the prompt of a structured step; None for a free one."""
        return response_format(self.returns, steps=self._writes_steps) if self.structured else None

    @property
    def _writes_steps(self) -> bool:
        return self.prompt is not None and self.prompt.asks_for_steps

    @cached_property
    def asked(self) -> Prompt | None:
        """The prompt as it is sent: that of a structured step asks for JSON."""
        if not self.structured or self.prompt is None:
            return self.prompt
        prompt, last = self.prompt.with_examples_in_json(self.returns), "{direct_instruction}"
        if prompt.asks_for_answer:
            return prompt
        return prompt.replace(recap=f"{prompt.recap}\n\n{last}" if prompt.recap else last)

    @cached_property
    def loop(self) -> tuple[str, str] | None:
        """The name of an item and of the list, with `for_each`."""
        match = _LOOP.fullmatch(self.for_each)
        return (match[1], match[2]) if match else None

    @cached_property
    def dependencies(self) -> frozenset[str]:
        """The names of the inputs and steps that this step reads."""
        provided = set(RETRY_PLACEHOLDERS if self.max_attempts > 1 else ())
        names: set[str] = set(self.first_of)
        if self.prompt is not None:
            names |= self.prompt.placeholders - KIND_PLACEHOLDERS
        if self.function is not None or self.chain is not None:
            parameters = self.reads if self.chain is None else self.chain.input_names
            names |= {self.rename.get(name, name) for name in parameters}
        if self.loop:
            provided.add(self.loop[0])
        return frozenset(names - provided | {*([self.loop[1]] if self.loop else []), *self.only_if})

    @cached_property
    def kind(self) -> Kind:
        """The kind of the value (of each value with `for_each`); the inner chain's kind if `returns` is not set."""
        inner = self.chain.output_kind if self.chain is not None and self.returns == Text() else None
        return inner or self.returns

    @property
    def output_kind(self) -> Kind:
        """The kind of the value as other steps receive it."""
        return ListOf(self.kind) if self.loop else self.kind

    @property
    def kind_values(self) -> dict[str, str]:
        """The values of the placeholders that the step's kind fills, by name."""
        kind = self.returns
        if self.structured:
            words = kind.structured_instruction(steps=self._writes_steps)
            return {"instruction": words, "trigger": kind.trigger(), "direct_instruction": words}
        return {
            "instruction": kind.instruction(),
            "trigger": kind.trigger(),
            "direct_instruction": kind.direct_instruction(),
        }

    def _names(self, name: str, value: Any) -> tuple[str, ...]:
        if (
            isinstance(value, str)
            or not isinstance(value, Iterable)
            or not all(isinstance(item, str) for item in value)
        ):
            raise self._error(f"{name} must be a list of texts, got {value!r:.60}")
        return tuple(value)

    def _error(self, message: str) -> UsageError:
        return UsageError(f"step {self.name!r}: {message}")


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of a function's parameters that have no default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise UsageError(f"{function!r} has no readable signature; name what it reads: reads=(…)") from None
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(p.name for p in parameters if p.kind in named and p.default is p.empty)


def _spec(strategy: Strategy) -> str | Strategy:
    """Return a strategy's spec if the registry builds an equal strategy from it, else the strategy itself."""
    try:
        return repr(strategy) if get(repr(strategy)) == strategy else strategy
    except UsageError:
        return strategy
