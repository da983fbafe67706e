"""The waist: all that a strategy can do to a model."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from reasoning import telemetry
from reasoning.answer import Answer, Failed, Unparsed
from reasoning.draw_stream import DrawStream
from reasoning.engine.single_flight import unwrap
from reasoning.errors import CallFailed, UsageError
from reasoning.messages import Completion, Conversation, Message, Request
from reasoning.sandbox import Tools
from reasoning.trace import Call, Note, Trace

if TYPE_CHECKING:
    from reasoning.branches import FirstCall
    from reasoning.engine.llm import LLM
    from reasoning.engine.single_flight import CallContext, DrawError
    from reasoning.problem import Problem
    from reasoning.strategy import Strategy


class Session:
    """One solve's door to a model. Strategies get one; nobody else needs to make one.

    Attributes:
        tools: what is not a model: the interpreter.
        trace: what happened so far.
    """

    def __init__(
        self,
        llm: LLM,
        trace: Trace,
        *,
        lane: DrawStream | None = None,
        sampling: Mapping[str, Any] | None = None,
        tools: Tools | None = None,
        account: CallContext | None = None,
    ) -> None:
        self.trace = trace
        self.tools = tools or Tools()
        self._llm, self._lane, self._sampling, self._account = llm, lane or DrawStream(), dict(sampling or {}), account
        self._kept: list[Answer] = []
        self._left_out: frozenset[str] = frozenset()
        self._drawn: tuple[Request, Completion | DrawError] | None = None  # its first draw, which is there already

    async def sample(
        self,
        prompt: Conversation | str,
        n: int = 1,
        *,
        temperature: float | None = None,
        max_tokens: int | None = None,
        top_p: float | None = None,
        stop: Sequence[str] | None = None,
        logprobs: bool | None = None,
        **more: Any,
    ) -> list[Completion]:
        """Draw `n` completions, fresh within this solve and the same ones when the solve is run again.

        Settings that are not given come from what wraps the strategy, then from `connect`, then from the house
        (temperature 0, at most 1,024 tokens).

        Raises:
            CallFailed: a draw did not come through for good; those that did are in the trace and its usage.
            BudgetExhausted: a draw could not be afforded; likewise.
        """
        if n < 1:
            raise UsageError(f"n={n}: at least one draw")
        given = {
            "temperature": temperature,
            "max_tokens": max_tokens,
            "top_p": top_p,
            "stop": list(stop) if stop else None,
            "logprobs": logprobs,
            **more,
        }
        settings = self._settings(given)
        conversation = prompt if isinstance(prompt, Conversation) else Conversation((Message("user", prompt),))
        request = self._request(conversation, settings)
        draws = self._lane.next(request.key, n)
        drawn, self._drawn = self._drawn, None
        if drawn is not None and n == 1 and request == drawn[0]:
            outcomes = [drawn[1]]
        else:
            outcomes = await self._llm.outcomes(request, draws, self._account)
        if came := tuple([one for one in outcomes if isinstance(one, Completion)]):
            self.trace.events.append(Call(request.messages, request.sampling, came))
        return unwrap(outcomes)

    async def ask(self, prompt: Conversation | str, **settings: Any) -> Completion:
        """One draw; see `sample`."""
        return (await self.sample(prompt, 1, **settings))[0]

    async def start_branches(
        self, first_call: FirstCall, n: int, name: str = "branch", *, start: int = 0, **sampling: Any
    ) -> tuple[dict[int, tuple[Answer, Completion]], dict[int, Session]]:
        """Begin `n` branches that ask the same first: one call asks for the first draws of all.

        Each gets the draw that it would have got alone, and whatever is left to do is done in sessions as `lanes` gives
        them, so a branch whose first reply settles its answer needs none.

        Args:
            first_call: what they ask.
            n, name, after, sampling: as in `lanes`.

        Returns:
            By place: the answers that are settled, with their draws; and the sessions of the others, in which the
            strategy is run. The first call of each finds its draw there, or ends as that draw did.
        """
        settings = self._settings(sampling)
        request = self._request(first_call.messages, {**settings, **first_call.params})
        drawn = await self._llm.outcomes(request, self._lane.first_of(request.key, n, start), self._account)
        settled: dict[int, tuple[Answer, Completion]] = {}
        for place, draw in enumerate(drawn):
            if isinstance(draw, Completion) and (answer := first_call.resolve(draw)) is not None:
                settled[place] = answer, draw
        if settled:
            self._lane.child(start, start + n).next(request.key, 1)  # this session's own lane goes on behind them all
            draws = tuple([draw for _, draw in settled.values()])
            self.trace.events.append(Call(request.messages, request.sampling, draws))
        others = {}
        for place in range(n):
            if place not in settled:
                lane = self._lane.child(start + place, start + n)
                others[place] = self._branch(f"{name} {start + place + 1}", lane, settings)
                others[place]._drawn = request, drawn[place]
        return settled, others

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Name a part of the trace."""
        return _Stage(self, name)

    @property
    def max_tokens(self) -> int:
        """The most tokens of a draw that is asked for without them."""
        return int({**self._llm.sampling, **self._sampling}["max_tokens"])

    def keep_partial(self, answer: Answer) -> None:
        """Say what there is, should the budget end or a call fail now: text, votes and steps come with the reason."""
        self._kept[:] = [answer]

    @property
    def partial(self) -> Answer | None:
        """What there is so far, where the strategy has said so."""
        return self._kept[0] if self._kept else None

    def stopped_answer(self, why: str) -> Answer:
        """What a solve has come to whose budget is used up: no answer, and what there is so far or was said last."""
        if (kept := self.partial) is not None:
            return Unparsed(why, text=kept.text, votes=kept.votes, steps=kept.steps)
        *_, last = ["", *(draw.text for call in self.trace.calls() for draw in call.completions)]
        return Unparsed(why, text=last)

    def note(self, text: str) -> None:
        """Write something into the trace."""
        self.trace.events.append(Note(text))

    def branches(self, n: int, name: str = "branch", *, start: int = 0, **sampling: Any) -> list[Session]:
        """`n` sessions for branches that run side by side (see `together`), each with its own draws.

        Args:
            n: how many.
            name: what the trace calls them.
            start: so many were given and have ended, and these are the next of them; see `DrawStream.split`.
            sampling: settings for calls in the branches that do not give their own.
        """
        settings = self._settings(sampling)
        lanes = self._lane.spawn(n, start)
        return [self._branch(f"{name} {place}", lane, settings) for place, lane in enumerate(lanes, start + 1)]

    def fork(self, names: str | Sequence[str], keys: Sequence[Hashable]) -> list[Session]:
        """Sessions for branches that run side by side and ask different things: each has the draws that it would have
        alone, so that none of them depends on what the others are.

        Args:
            names: what the trace calls them; one name for all is numbered, as in `lanes`.
            keys: what each of them asks; those of which it is equal ask the same, and get draws of their own.
        """
        if isinstance(names, str):
            names = [f"{names} {place}" for place in range(1, len(keys) + 1)]
        lanes = {}
        for one, times in Counter(keys).items():
            fork = self._lane.fork()
            lanes[one] = iter(fork.spawn(times) if times > 1 else [fork])
        return [self._branch(name, next(lanes[one]), self._sampling) for name, one in zip(names, keys, strict=True)]

    def with_model(self, model: str) -> Session:
        """The same door to another model: with this one's journal, budget, draws and trace.

        A name without a provider is another model of this one's server, where it has one of its own (`base_url`); what
        stands for models in tests answers for every name.
        """
        return self._same(self._llm.sibling(model), self._sampling)

    def with_sampling(self, sampling: Mapping[str, Any]) -> Session:
        """The same door with other settings for the calls that do not give their own."""
        return self._same(self._llm, {**self._sampling, **sampling})

    def _same(self, llm: LLM, sampling: Mapping[str, Any]) -> Session:
        """Another door of the same solve."""
        made = Session(llm, self.trace, lane=self._lane, sampling=sampling, tools=self.tools, account=self._account)
        made._kept = self._kept
        return made

    def _settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """This session's settings with those that are given."""
        settings = self._sampling.copy()
        for name, value in given.items():
            if value is not None:
                settings[name] = value
        return settings

    def _request(self, conversation: Conversation, settings: Mapping[str, Any]) -> Request:
        if left_out := set(self._llm.traits.dropped(settings)) - self._left_out:
            self._left_out |= left_out
            self.note(f"left out, since {self._llm.name} does not take it: {', '.join(sorted(left_out))}")
        return self._llm.request(conversation, settings)

    def _branch(self, name: str, lane: DrawStream, sampling: Mapping[str, Any]) -> Session:
        branch = Trace(name)
        self.trace.events.append(branch)
        return Session(self._llm, branch, lane=lane, sampling=sampling, tools=self.tools, account=self._account)

    async def solve(self, strategy: Strategy, problem: Problem) -> Answer:
        """Let another strategy solve a problem within this solve. A call that fails for good gives `Failed`."""
        try:
            return await strategy.solve(problem, self)
        except CallFailed as error:
            if error.ends_run:
                raise
            self.note(f"failed: {error}")
            kept = self.partial or Failed("")
            return Failed(str(error), text=kept.text, votes=kept.votes, steps=kept.steps)


class _Stage:
    """A part of the trace, while it is under way. No generator: there is one for each call of many techniques."""

    def __init__(self, session: Session, name: str) -> None:
        self._session, self._outer, self._inner = session, session.trace, Trace(name)
        self._span = telemetry.stage(name)

    def __enter__(self) -> None:
        self._outer.events.append(self._inner)
        self._session.trace = self._inner
        self._started = time.monotonic()
        self._span.__enter__()

    def __exit__(self, *raised: Any) -> bool | None:
        self._inner.seconds = time.monotonic() - self._started
        self._session.trace = self._outer
        return self._span.__exit__(*raised)
