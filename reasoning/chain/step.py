"""One step of a chain: what it reads, how it is answered, and what its value must be."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reasoning.chain.validators import Mend, Validator, plain_json, validators
from reasoning.errors import UsageError
from reasoning.kinds import Json, Kind, Text
from reasoning.prompts import Prompt
from reasoning.strategy import Strategy

if TYPE_CHECKING:
    from reasoning.answer import Answer
    from reasoning.chain.chain import Chain
    from reasoning.session import Session

PHRASES = frozenset({"instruction", "trigger", "direct_instruction"})
"""What the step's kind provides to its prompt."""
AGAIN = frozenset({"complaint", "previous"})
"""What a gate provides to its prompt, to the inner chain or to the function; empty at the first try."""

_NAME = re.compile(r"[a-z_]\w*")
_EACH = re.compile(r"\s*([a-z_]\w*)\s+in\s+([a-z_]\w*)\s*")


@dataclass(frozen=True)
class Step:
    """One step of a chain. It is answered by one of `prompt`, `call`, `chain` and `join`.

    Attributes:
        name: what later steps call its result.
        prompt: what is asked; its placeholders name inputs of the chain or other steps.
        returns: the kind that reads the reply, and that a function's value is held to. Later steps get the value, shown
            by this kind, never the raw text. With `chain` it is by default the kind of the inner chain's value.
        check: one or several further validators of the value.
        repairs: how often a refused reply is sent back with the complaint.
        mend: makes a usable value, one of the same kind, of one that stays refused (noted in the trace); without it the
            chain stops here.
        when_empty: the step's value, without a call, when something that it reads is empty; None always calls.
        sampling: settings of this step's calls.
        by: the strategy that answers the prompt, or its spec: "self_consistency(cot, samples=5)".
        model: the model for this step, by name; by default the chain's.
        call: a function that gives the value; its parameters name what it reads. No model is called.
        reads: what `call` reads, where its parameters do not say so.
        chain: a chain that gives the value; its inputs are taken from what has their names.
        inputs: for `call` and `chain`: other names, `{"theirs": "ours"}`.
        join: names of steps of which not all may have run: the value is the first one's that did.
        for_each: "item in items": the step is run for each item of a list; its value is the list of results.
        at_once: with `for_each`: items under way at once, at most.
        when: the step is run only where a step has one of these labels: `{"language": ("German", "French")}`. What
            reads from a step that was not run is not run either, except a `join`.
        tries: a gate: the step is begun again, with fresh draws, until its value is accepted, so often at most. Its
            prompt may name what was refused and why: `{previous}`, `{complaint}`.
        keep: its result is wanted, though no other step reads it.

    Raises:
        UsageError: parameters that make no sense, or not together.
    """

    name: str
    prompt: Prompt | None = None
    returns: Kind = field(default_factory=Text)
    check: Validator | tuple[Validator, ...] | None = None
    repairs: int = 1
    mend: Mend | None = None
    when_empty: Any = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    by: str | Strategy = ""
    model: str | None = None
    call: Callable[..., Any] | None = None
    reads: tuple[str, ...] = ()
    chain: Chain | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    join: tuple[str, ...] = ()
    for_each: str = ""
    at_once: int = 8
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tries: int = 1
    keep: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise UsageError(f"a step's name is a word such as 'issues', not {self.name!r}: prompts call it {{issues}}")
        if self.name in PHRASES | AGAIN:
            raise UsageError(f"no step can be called {self.name!r}: prompts call something else so")
        ways = [way for way in ("prompt", "call", "chain", "join") if getattr(self, way)]
        if len(ways) != 1:
            has = f"it has {' and '.join(ways)}" if ways else "it has none"
            raise self._wrong(f"a step is answered by one of prompt, call, chain and join: {has}")
        for name, only in (("by", "prompt"), ("reads", "call")):
            if getattr(self, name) and not getattr(self, only):
                raise self._wrong(f"{name} makes sense with a {only} only")
        if self.join and (self.check or self.mend or self.each or self.tries != 1 or self.returns != Text()):
            raise self._wrong("a join takes a value as it is: no check, mend, returns, for_each or tries")
        for name, least in (("repairs", 0), ("at_once", 1), ("tries", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise self._wrong(f"{name}={value!r}: a whole number, at least {least}")
        if self.for_each and not _EACH.fullmatch(self.for_each):
            raise self._wrong(f"for_each={self.for_each!r}: write 'item in items'")
        if self.call and not self.reads:
            object.__setattr__(self, "reads", _parameters(self.call))
        for name in ("join", "reads"):
            object.__setattr__(self, name, self._texts(name, getattr(self, name)))
        self._texts("inputs", list(self.inputs.values()))
        labels = {name: (one,) if isinstance(one, str) else self._texts("when", one) for name, one in self.when.items()}
        object.__setattr__(self, "when", labels)
        validators(self.check)
        if inspect.iscoroutinefunction(self.mend):
            raise self._wrong("mend is a plain function, not an async one")
        # As a folder has them: what is loaded is equal to what was saved.
        if not isinstance(self.by, str):
            object.__setattr__(self, "by", _spec(self.by))
        empty = plain_json(self.when_empty)
        listed = isinstance(empty, list) and (self.each or not isinstance(self.kind, Json))
        object.__setattr__(self, "when_empty", tuple(empty) if listed else empty)
        object.__setattr__(self, "sampling", plain_json(self.sampling))
        object.__setattr__(self, "check", tuple(self.check) if isinstance(self.check, list) else self.check)

    @cached_property
    def each(self) -> tuple[str, str] | None:
        """With `for_each`: what an item is called, and the list."""
        found = _EACH.fullmatch(self.for_each)
        return (found[1], found[2]) if found else None

    @cached_property
    def needs(self) -> frozenset[str]:
        """The inputs and steps that it reads."""
        provided = set(AGAIN if self.tries > 1 else ())
        names: set[str] = set(self.join)
        if self.prompt is not None:
            names |= self.prompt.placeholders - PHRASES
        if self.call is not None or self.chain is not None:
            theirs = self.reads if self.chain is None else self.chain.inputs
            names |= {self.inputs.get(name, name) for name in theirs}
        if self.each:
            provided.add(self.each[0])
        return frozenset(names - provided | {*([self.each[1]] if self.each else []), *self.when})

    @cached_property
    def kind(self) -> Kind:
        """The kind of its value, or with `for_each` of each value: the inner chain's where `returns` does not say."""
        inner = self.chain.gives if self.chain is not None and self.returns == Text() else None
        return inner or self.returns

    @property
    def gives(self) -> Kind:
        """The kind of its value, as other steps receive it."""
        from reasoning.chain.list_kind import Each

        return Each(self.kind) if self.each else self.kind

    async def run(self, values: Mapping[str, Any], shown: Mapping[str, str], session: Session) -> Answer:
        """Run this step alone.

        Args:
            values: the inputs and results that it comes from, as values (for validators, `mend`, `call` and lists).
            shown: the same as texts (for the prompt).
            session: the door to the model.

        Returns:
            `Answered`; `Unparsed` where the value stayed refused; `Failed` where a call did not come through, or
            a function raised an error.
        """
        from reasoning.chain.step_runner import answered

        return await answered(self, values, shown, session)

    def _texts(self, name: str, given: Any) -> tuple[str, ...]:
        if isinstance(given, str) or not isinstance(given, Iterable) or not all(isinstance(one, str) for one in given):
            raise self._wrong(f"{name} holds texts, not {given!r:.60}")
        return tuple(given)

    def _wrong(self, what: str) -> UsageError:
        return UsageError(f"step {self.name!r}: {what}")


def _parameters(call: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's parameters, without those that have a default."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        raise UsageError(f"{call!r}: what it takes cannot be seen; name it: reads=(…)") from None
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(one.name for one in parameters if one.kind in named and one.default is one.empty)


def _spec(by: Strategy) -> str | Strategy:
    """A strategy's spec, where that is the same strategy; one of your own, that no spec names, stays as it is."""
    import reasoning

    try:
        return repr(by) if reasoning.strategies.get(repr(by)) == by else by
    except UsageError:
        return by
