"""The session of a solve: calls, branches, stages and notes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Coroutine, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from reasoning import telemetry
from reasoning.answer import Answer, Failed, Unparsed
from reasoning.branches import FirstCall
from reasoning.draw_stream import DrawStream
from reasoning.engine.single_flight import CallContext, DrawError, unwrap
from reasoning.errors import BudgetExhausted, CallFailed, RequestOutdated, UsageError
from reasoning.images import Image, ImageSource
from reasoning.messages import Completion, Conversation, Message, Request
from reasoning.session_events import EventReporter
from reasoning.session_tools import SessionTools
from reasoning.trace import Call, Note, ToolCall, Trace
from reasoning.watching import Listener

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.problem import Problem
    from reasoning.providers.adapters import Adapter
    from reasoning.providers.client import Client


class Solver(Protocol):
    """Anything that solves a problem within a session; every `Strategy` does."""

    def solve(self, problem: Problem, session: Session) -> Coroutine[Any, Any, Answer]:
        """Return the answer to one problem."""


class Continuation(Protocol):
    """Anything that continues after the reply to its first call; every `FirstCallStrategy` does."""

    def continue_from(
        self, call: FirstCall, reply: Completion, problem: Problem, session: Session
    ) -> Coroutine[Any, Any, Answer]:
        """Return the answer when the reply to the first call does not settle it."""


class Session:
    """The interface through which a strategy uses a model to solve one problem. `Strategy.run` makes it.

    Attributes:
        trace: the calls, stages, uses of tools and notes so far.
    """

    def __init__(
        self,
        llm: LLM,
        trace: Trace,
        *,
        stream: DrawStream | None = None,
        sampling: Mapping[str, Any] | None = None,
        context: CallContext | None = None,
        images: Sequence[ImageSource] = (),
        before: Sequence[Message] = (),
        series: str = "",
        listener: Listener | None = None,
    ) -> None:
        self.trace = trace
        self._llm, self._context, self._series = llm, context, series
        self._images, self._before = tuple(map(Image.of, images)), tuple(before)
        self._stream, self._sampling = stream or DrawStream(), dict(sampling or {})
        self._reporter = None if listener is None else EventReporter(listener)
        # The partial result; a list, since all sessions of a branch share it.
        self._kept: list[Answer] = []
        # The parameters that a note says are left out, and those that may not be.
        self._dropped: frozenset[str] = frozenset()
        self._required: frozenset[str] = frozenset()

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
        """Draw `n` completions: new ones within this solve, and the same ones when the solve is repeated.

        A parameter that is None is taken from the strategy that wraps this one, then from
        `connect`, then from the library's defaults (temperature 0, at most 1,024 tokens).

        A model that reasons before it answers gets room for its reasoning on top of `max_tokens`,
        unless `connect` gave a limit; then the larger of the two holds.

        Args:
            prompt: the conversation to send; a text is sent as one user turn.
            n: the number of completions.
            temperature: 0 for the most likely tokens; higher values vary more.
            max_tokens: the maximum length of each completion.
            top_p: the probability mass from which tokens are sampled.
            stop: texts that end a completion.
            logprobs: whether to request the tokens' log-probabilities.
            more: further parameters that the model takes.

        Returns:
            The completions, in draw order.

        Raises:
            CallFailed: a draw failed for good. The draws that succeeded are in the trace and its
                usage.
            BudgetExhausted: the budget does not cover a draw. The draws that it did cover are in
                the trace.
        """
        if n < 1:
            raise UsageError(f"n must be at least 1, got {n}")
        params = {
            "temperature": temperature,
            "max_tokens": max_tokens,
            "top_p": top_p,
            "stop": list(stop) if stop else None,
            "logprobs": logprobs,
            **more,
        }
        conversation = prompt if isinstance(prompt, Conversation) else Conversation((Message("user", prompt),))
        settings = self._settings(params) | _stated_format(conversation)
        completions = list[Completion]()
        while len(completions) < n:
            request = self._request(conversation, settings)
            outcomes = await self._outcomes(request, self._stream.next(request.key, n - len(completions)))
            if self._is_outdated(request, conversation, settings, outcomes):
                # What has been drawn is paid for. The rest is drawn under the key of what is sent now.
                outcomes = [outcome for outcome in outcomes if isinstance(outcome, Completion)]
            completions += self._completions(request, outcomes)
        return completions

    async def ask(self, prompt: Conversation | str, **settings: Any) -> Completion:
        """Draw one completion; see `sample`."""
        return (await self.sample(prompt, 1, **settings))[0]

    def branches(self, n: int, name: str = "branch", *, start: int = 0, **sampling: Any) -> list[Session]:
        """Return `n` sessions for concurrent branches, each with its own draws; see `gather`.

        Args:
            n: the number of branches.
            name: the name of a branch in the trace; its number follows.
            start: the number of branches that were made before and have ended; these are the next.
                See `DrawStream.spawn`.
            sampling: default sampling parameters of the branches.
        """
        settings = self._settings(sampling)
        streams = self._stream.spawn(n, start)
        return [self._branch(f"{name} {number}", stream, settings) for number, stream in enumerate(streams, start + 1)]

    def fork(self, names: str | Sequence[str], keys: Sequence[Hashable]) -> list[Session]:
        """Return sessions for concurrent branches that send different requests.

        Each has the draws that it would have alone, so that it does not depend on the other
        branches.

        Args:
            names: the names of the branches in the trace; a single name is numbered, as in
                `branches`.
            keys: a key for each branch that identifies its requests. Branches with equal keys send
                the same requests, and each gets its own draws.
        """
        if isinstance(names, str):
            names = [f"{names} {number}" for number in range(1, len(keys) + 1)]
        streams = {}
        for key, times in Counter(keys).items():
            fork = self._stream.fork()
            streams[key] = iter(fork.spawn(times) if times > 1 else [fork])
        return [self._branch(name, next(streams[key]), self._sampling) for name, key in zip(names, keys, strict=True)]

    async def start_branches(
        self, first_call: FirstCall, n: int, name: str = "branch", *, start: int = 0, **sampling: Any
    ) -> tuple[dict[int, tuple[Answer, Completion]], dict[int, StartedBranch]]:
        """Start `n` branches that share the request of their first call.

        Each branch gets the draw that it would get alone. A branch whose first reply settles its
        answer needs no session; the others continue in sessions like those of `branches`.

        Args:
            first_call: the call that all branches make first.
            n: the number of branches.
            name: the name of a branch in the trace.
            start: the number of branches that were started before; see `branches`.
            sampling: default sampling parameters of the branches.

        Returns:
            Two dictionaries by index, from 0: the settled answers with their draws, and the branches
            that must continue or whose first draw failed.
        """
        settings = self._settings(sampling)
        params = {**settings, **first_call.params} | _stated_format(first_call.messages)
        while True:
            request = self._request(first_call.messages, params)
            outcomes = await self._outcomes(request, self._stream.first_of(request.key, n, start))
            if not self._is_outdated(request, first_call.messages, params, outcomes):
                break
            # What has been drawn is paid for, and counts although no branch uses it.
            self._completions(request, [outcome for outcome in outcomes if isinstance(outcome, Completion)])
        settled: dict[int, tuple[Answer, Completion]] = {}
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Completion) and (answer := first_call.resolve(outcome)) is not None:
                settled[index] = answer, outcome
        if settled:
            # This session's own stream continues after all branches.
            self._stream.child(start, start + n).next(request.key, 1)
            draws = tuple([draw for _, draw in settled.values()])
            self.record(Call(request.messages, request.sampling, draws))
        started = {}
        for index in range(n):
            if index not in settled:
                stream = self._stream.child(start + index, start + n)
                branch = self._branch(f"{name} {start + index + 1}", stream, settings)
                started[index] = StartedBranch(branch, first_call, outcomes[index])
        return settled, started

    def with_model(self, model: str) -> Session:
        """Return a session of the same solve, with its journal, budget, draws and trace, but another model.

        A name without a provider is another model of this one's server, if it has a server of its
        own (`base_url`). The models of `reasoning.testing` answer to every name.
        """
        session = self._copy()
        session._llm = self._llm.sibling(model)
        return session

    def with_sampling(self, sampling: Mapping[str, Any]) -> Session:
        """Return a session of the same solve with other default sampling parameters."""
        session = self._copy()
        session._sampling = {**self._sampling, **sampling}
        return session

    def with_effort(self, sampling: Mapping[str, Any]) -> Session:
        """Return a session of the same solve in which the model thinks as the parameters say.

        Unlike other parameters, these are never left out: an answer without them would be one of another effort.

        Args:
            sampling: `reasoning_effort` or `thinking_tokens`.

        Raises:
            UsageError: the model does not take them. Calls of the session raise it if a server refuses them.
        """
        self._llm.check_effort(sampling)
        session = self.with_sampling(sampling)
        session._required = self._required | sampling.keys()
        return session

    async def solve(self, strategy: Solver, problem: Problem) -> Answer:
        """Let another strategy solve a problem within this solve.

        The images of the problem, or else those of this solve, are sent with every request.

        Returns:
            Its answer; `Failed` if a call fails for good.

        Raises:
            AuthenticationFailed, EndpointDown: no call can succeed.
            BudgetExhausted: the budget is used up.
        """
        session = self._showing(problem)
        try:
            return await strategy.solve(problem, session)
        except CallFailed as error:
            return session._failed(error)

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Group the calls and notes of a `with` block under a name in the trace."""
        return _Stage(self, name)

    def note(self, text: str) -> None:
        """Add a note to the trace."""
        self.record(Note(text))

    def record(self, event: Call | ToolCall | Note) -> None:
        """Add an event to the trace."""
        self.trace.events.append(event)
        if self._reporter is not None and not isinstance(event, Call):
            self._reporter.report(event)

    def watched_branch(self) -> AbstractContextManager[None]:
        """Report a `with` block, in which this session's branch runs, to the listener of the solve as a stage."""
        return nullcontext() if self._reporter is None else self._reporter.report_branch(self.trace)

    @property
    def tools(self) -> SessionTools:
        """The tools of a strategy besides the model, such as the interpreter and search."""
        return SessionTools(self, self._llm.sandbox)

    async def call_client(self, client: Client, payload: str, *, paid: bool = False) -> Completion:
        """Return the reply of a client that is no language model; the tools of a session make such calls.

        Equal calls in flight are one, limits and retries apply, and the journal keeps the reply.

        Args:
            client: the client; it gets the payload as the content of the only message.
            payload: what identifies the call: the same payload gives the recorded reply.
            paid: whether the call costs money or tokens, which count against the budget.

        Raises:
            CallFailed: the call failed for good.
            BudgetExhausted: the budget does not cover a paid call, or its time is over.
        """
        return await self._llm.call_client(client, payload, self._context, paid=paid)

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """The trained adapters of the model, if it is a local one with adapters."""
        return self._llm.client.adapters

    @property
    def max_tokens(self) -> int:
        """The maximum length of a reply in tokens, without reasoning, for calls that do not set their own."""
        return int(self._sampling.get("max_tokens", self._llm.default_max_tokens))

    def at_least(self, max_tokens: int) -> int:
        """Return a technique's own limit for long replies, or the limit that the user gave if that is larger."""
        return max(max_tokens, self._sampling.get("max_tokens", self._llm.given_max_tokens) or 0)

    def keep_partial(self, answer: Answer) -> None:
        """Keep a partial result, to be returned if the budget runs out or a later call fails.

        Its text, votes and steps are kept.
        """
        self._kept[:] = [answer]

    @property
    def partial(self) -> Answer | None:
        """The partial result that the strategy kept last, or None."""
        return self._kept[0] if self._kept else None

    def owns(self, error: BudgetExhausted) -> bool:
        """Return whether the budget of this solve alone is used up, so that the solve ends with what it has.

        If a budget around it is used up, the error must be raised, and the solve can be repeated
        with a larger budget.
        """
        budget = self._context and self._context.solve_budget
        return budget is not None and error.budget is budget

    def stopped_answer(self, error: BudgetExhausted) -> Answer:
        """Return the answer to report when the budget runs out.

        It is `Unparsed`, with the partial result if there is one, else with the text of the last
        reply.
        """
        if (kept := self.partial) is not None:
            return Unparsed(str(error), text=kept.text, votes=kept.votes, steps=kept.steps, stopped_by=error)
        *_, last = ["", *(draw.text for call in self.trace.calls() for draw in call.completions)]
        return Unparsed(str(error), text=last, stopped_by=error)

    def _showing(self, problem: Problem) -> Session:
        """Return a session of the same solve that sends a problem's images and earlier turns; itself if it does so."""
        shown, before = tuple(map(Image.of, problem.images)) or self._images, tuple(problem.before) or self._before
        if (self._images, self._before) == (shown, before):
            return self
        session = self._copy()
        session._images, session._before = shown, before
        return session

    def _failed(self, error: CallFailed) -> Failed:
        """Return the answer to report after a failed call, or raise if every further call would fail."""
        if error.ends_run:
            raise error
        self.note(f"failed: {error}")
        kept = self.partial or Failed("")
        return Failed.of(error, text=kept.text, votes=kept.votes, steps=kept.steps)

    def _copy(self) -> Session:
        """Return another session of the same branch, to be given another model or other parameters."""
        session = copy(self)
        session._dropped = frozenset()
        return session

    def _branch(self, name: str, stream: DrawStream, sampling: dict[str, Any]) -> Session:
        branch = self._copy()
        branch.trace, branch._kept = Trace(name), []
        branch._stream, branch._sampling = stream, sampling
        if self._reporter is not None:
            branch._reporter = self._reporter.inside(name)
        self.trace.events.append(branch.trace)
        return branch

    def _settings(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the session's sampling parameters, overridden by those that are not None."""
        settings = self._sampling.copy()
        for name, value in params.items():
            if value is not None:
                settings[name] = value
        return settings

    def _request(self, conversation: Conversation, settings: Mapping[str, Any]) -> Request:
        if dropped := set(self._llm.traits.dropped(settings)) - self._dropped:
            if refused := self._required & dropped:
                error = UsageError(f"{self._llm.name} does not take {', '.join(sorted(refused))}")
                error.ends_run = True
                raise error
            self._dropped |= dropped
            self.note(f"left out, since {self._llm.name} does not take it: {', '.join(sorted(dropped))}")
        if self._images:
            conversation = conversation.with_images(self._images)
        if self._before:
            conversation = conversation.after(self._before)
        return self._llm.request(conversation, settings, self._series)

    async def _outcomes(self, request: Request, draws: Sequence[int]) -> list[Completion | DrawError]:
        """Return the outcomes of draws; the replies that were cut off say by which limit."""
        call = self._draw(request, draws)
        outcomes = await (call if self._reporter is None else self._reporter.report_call(len(draws), call))
        if any(isinstance(one, Completion) and one.truncated and not one.text and one.reasoning for one in outcomes):
            self._llm.tell_of_thoughts(request)
        return [
            replace(outcome, max_tokens=request.max_tokens)
            if isinstance(outcome, Completion) and outcome.truncated
            else outcome
            for outcome in outcomes
        ]

    def _draw(self, request: Request, draws: Sequence[int]) -> Coroutine[Any, Any, list[Completion | DrawError]]:
        return self._llm.outcomes(request, draws, self._context)

    def _is_outdated(
        self,
        request: Request,
        conversation: Conversation,
        settings: Mapping[str, Any],
        outcomes: Sequence[Completion | DrawError],
    ) -> bool:
        """Return whether draws failed since the server needs another request, which can be made now."""
        return (
            any(isinstance(outcome, DrawError) and isinstance(outcome.error, RequestOutdated) for outcome in outcomes)
            and self._request(conversation, settings).key != request.key
        )

    def _completions(self, request: Request, outcomes: list[Completion | DrawError]) -> list[Completion]:
        """Return the completions of a request; those that succeeded are added to the trace."""
        if completions := tuple([outcome for outcome in outcomes if isinstance(outcome, Completion)]):
            self.record(Call(request.messages, request.sampling, completions))
        return unwrap(outcomes)

    def _first_reply(self, call: FirstCall, outcome: Completion | DrawError) -> Completion:
        """Count and record the draw of this session's first call, as `sample` does."""
        request = self._request(call.messages, self._settings(call.params) | _stated_format(call.messages))
        self._stream.next(request.key, 1)
        return self._completions(request, [outcome])[0]


class StartedBranch(NamedTuple):
    """A branch whose first draw shared a request with other branches; see `Session.start_branches`.

    Attributes:
        session: the session in which the branch continues.
        call: the first call.
        outcome: the branch's draw, or the error in its place.
    """

    session: Session
    call: FirstCall
    outcome: Completion | DrawError

    async def solve(self, strategy: Continuation, problem: Problem) -> Answer:
        """Return the answer of the branch, as `Session.solve` does, after the first call."""
        session, call = self.session, self.call
        try:
            with session.stage(call.stage) if call.stage else nullcontext():
                reply = session._first_reply(call, self.outcome)
            return await strategy.continue_from(call, reply, problem, session)
        except CallFailed as error:
            return session._failed(error)


class _Stage:
    """A stage of the trace while it is open. A class, since a generator is slower and stages are frequent."""

    def __init__(self, session: Session, name: str) -> None:
        self._session, self._trace, self._span = session, Trace(name), telemetry.stage(name)
        self._outer, self._outer_reporter = session.trace, session._reporter

    def __enter__(self) -> None:
        self._outer.events.append(self._trace)
        self._session.trace = self._trace
        if self._outer_reporter is not None:
            self._session._reporter = self._outer_reporter.inside(self._trace.name)
            self._session._reporter.report_begin()
        self._started = time.monotonic()
        self._span.__enter__()

    def __exit__(self, *raised: Any) -> bool | None:
        self._trace.seconds = time.monotonic() - self._started
        if self._session._reporter is not None:
            self._session._reporter.report_end(self._trace, raised[1])
        self._session.trace, self._session._reporter = self._outer, self._outer_reporter
        return self._span.__exit__(*raised)


def _stated_format(conversation: Conversation) -> dict[str, Any]:
    """Return the sampling parameter for the format that the turns state for their reply."""
    return {} if conversation.response_format is None else {"response_format": conversation.response_format}
