"""A language model: requests with resolved parameters, and draws from the journal or the provider."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from types import TracebackType
from typing import Any, TypeAlias

from reasoning import event_loop, forks
from reasoning.engine.budget import Budget, check_budget
from reasoning.engine.call_settings import DEFAULT_PARAMS, CallSettings
from reasoning.engine.cost_bounds import Price
from reasoning.engine.draw_queue import DrawQueue
from reasoning.engine.limit_settings import LimitSettings
from reasoning.engine.purchaser import Purchaser
from reasoning.engine.rate_limiter import CONCURRENCY, RateLimiter
from reasoning.engine.server_pool import ServerPool
from reasoning.engine.single_flight import CallContext, DrawError, pending_draws, unwrap
from reasoning.errors import PriceUnknown, SettingRefused, UsageError
from reasoning.journal import Journal
from reasoning.messages import Completion, Conversation, Message, Request, Usage
from reasoning.providers.client import Client
from reasoning.providers.model_traits import ModelTraits
from reasoning.providers.server_use import ServerUse, add_uses
from reasoning.sandbox import Sandbox
from reasoning.text_safety import redact

Connect: TypeAlias = Callable[..., "LLM"]
"""A function that makes an LLM from a model's name, such as `reasoning.connect`."""


class LLM:
    """A language model with a journal, a budget, rate limits and retries.

    `reasoning.connect` makes one. Draws are numbered: draw `k` of a request is bought once, ever.

    Args:
        client: the client that sends requests.
        journal: the journal of draws; None for one in memory.
        budget: limits on what may be spent; None for none.
        limits: the rate limits; None for at most 32 requests in flight.
        sampling: the parameters of calls that do not set their own.
        warm_prefix_cache: whether a prompt that needs several requests sends the first alone, so
            that the provider's prefix cache serves the others; None for yes if the provider is
            known to have such a cache.
        connect: connects to the models that the client does not know.
        sandbox: where sessions of this model run programs; None for the default `Sandbox`.

    Attributes:
        pending: the draws that were requested and have not arrived, by request key and index;
            shared by models that share a journal.
        reconnect: connects to the same model with the same settings in another process, where it can be sent;
            None for a model that no name names. It takes the journal, the budget and the rate limits.
    """

    def __init__(
        self,
        client: Client,
        *,
        journal: Journal | None = None,
        budget: Budget | None = None,
        limits: RateLimiter | None = None,
        sampling: Mapping[str, Any] | None = None,
        warm_prefix_cache: bool | None = None,
        connect: Connect | None = None,
        sandbox: Sandbox | None = None,
    ) -> None:
        self.client = client
        self.sandbox = sandbox
        self.reconnect: Connect | None = None
        self.journal = Journal() if journal is None else journal
        self.budget = Budget() if budget is None else budget
        limits = RateLimiter() if limits is None else limits
        self._settings = CallSettings(client.model, sampling or {})
        self.sampling = self._settings.defaults()
        self.warm_prefix_cache = self.traits.prefix_cache if warm_prefix_cache is None else warm_prefix_cache
        self.pending = pending_draws(self.journal)
        price = _no_cost if client.free else client.price
        worst_price = _no_cost if client.free else client.worst_price
        self._purchaser = Purchaser(client, limits, price, self.traits.n, self.pending, worst_price)
        self._queue = DrawQueue(self._purchaser, self.warm_prefix_cache)
        self._connect = connect
        self._siblings: dict[str, LLM] = {}
        self._clients: dict[tuple[Client, bool], LLM] = {}
        self._last_identity: tuple[object, ...] = ()
        self._request: Request
        client.on_headers = limits.on_headers
        event_loop.close_when_collected(self, client)
        forks.reset_in_child(self._queue)

    @property
    def name(self) -> str:
        """The model's name, as results show it."""
        return self.client.model

    def __repr__(self) -> str:
        endpoint = f" at {redact(self.client.endpoint)}" if self.client.endpoint else ""
        return f"<LLM {self.name}{endpoint}, {self.usage}>"

    def request(self, conversation: Conversation, sampling: Mapping[str, Any], series: str = "") -> Request:
        """Return the request of a conversation, without parameters that the model does not take.

        Args:
            conversation: the chat turns.
            sampling: parameters that override those of the model.
            series: the name of an independent series of draws; empty for the usual one.

        Raises:
            UsageError: a parameter is unknown or invalid, or named like a key.
        """
        settings = self._settings.resolve({**self.sampling, **sampling, "max_tokens": sampling.get("max_tokens")})
        # Concurrent branches often send the same request, so the latest is kept with its computed key.
        # Settings are compared by identity, since 1 and 1.0 are equal by value.
        identity = (conversation, id(settings), self.client.model, self.client.endpoint, series)
        if self._last_identity != identity:
            for image in [image for turn in conversation.messages for image in turn.images]:
                if problem := self.client.find_image_problem(image):
                    raise UsageError(f"{self.client.model} {problem}")
            self._last_identity = identity
            self._request = Request(
                self.client.model,
                conversation.messages,
                settings,
                self.client.endpoint,
                static_prefix=conversation.static_prefix,
                series=series,
            )
        return self._request

    async def draw(
        self, request: Request, draws: Sequence[int], context: CallContext | None = None
    ) -> list[Completion]:
        """Return the draws of these indices: from the journal, from a pending call, or bought now.

        Equal requests of one turn of the event loop are sent together, as one request with `n`.

        Args:
            request: the request, made by `request`.
            draws: the indices.
            context: the budget that pays and the journal that records; None for the model's own.

        Raises:
            CallFailed: a call failed for good.
            UsageError: this object is closed.
            BudgetExhausted: a draw could exceed the budget. Calls in flight complete and are
                recorded.
        """
        return unwrap(await self.outcomes(request, draws, context))

    async def outcomes(
        self, request: Request, draws: Sequence[int], context: CallContext | None = None
    ) -> list[Completion | DrawError]:
        """Return the outcome of each draw, a completion or an error; see `draw`."""
        outcomes = await self._queue.outcomes(request, draws, context or CallContext(self.budget, self.journal))
        for outcome in outcomes:
            if isinstance(outcome, DrawError) and isinstance(outcome.error, SettingRefused):
                self._settings.learn_refused(request, outcome.error.setting)
        return outcomes

    async def call_client(
        self, client: Client, payload: str, context: CallContext | None = None, *, paid: bool = False
    ) -> Completion:
        """Return the reply of a client that is no language model, such as one of an encyclopaedia's API.

        It is a draw of this model's journal, with limits and retries of its own.

        Args:
            client: the client; it gets the payload as the content of the only message.
            payload: what identifies the call: the same payload gives the recorded reply.
            context: the budget and the journal; None for this model's own.
            paid: whether the call counts against the budget. The time of the budget always holds.

        Raises:
            CallFailed: the call failed for good.
            BudgetExhausted: the budget does not cover a paid call, or its time is over.
        """
        self._queue.check_open()
        context = context or CallContext(self.budget, self.journal)
        if (service := self._clients.get((client, paid))) is None:
            limits = RateLimiter() if client.concurrency is None else RateLimiter(client.concurrency)
            budget = self.budget if paid else Budget()
            service = self._clients[client, paid] = LLM(client, journal=self.journal, budget=budget, limits=limits)
        request = Request(client.model, (Message("user", payload),), {}, client.endpoint)
        if paid:
            return (await service.draw(request, [0], context))[0]
        unpaid = CallContext(service.budget, context.journal, context.fairness_group)
        return (await context.budget.wait(service.draw(request, [0], unpaid)))[0]

    def within(self, budget: Budget, journal: Journal) -> LLM:
        """Return this model with another budget and journal; the client, limits and calls in flight stay shared.

        Only this object is closed, never what it returns. The models that `sibling` returns for it have its budget
        and journal, and are closed when they are garbage-collected.
        """
        view = copy(self)
        view.budget, view.journal = budget, journal
        view._siblings, view._clients = {}, {}
        return view

    def sibling(self, model: str) -> LLM:
        """Return the model of another name, with this one's journal and budget.

        If the client has a model of this name (on the same server, or in the same recording), the
        sibling also has its endpoint, key and sampling parameters, and shares the rate limits of
        that name. For any other name it connects as `reasoning.connect` does. The same name always
        gives the same object.

        Raises:
            UsageError: an unknown model.
        """
        self._queue.check_open()
        if model not in self._siblings:
            client = self.client.sibling(model)
            self._siblings[model] = self._connect_to(model) if client is None else self._with_client(client)
            self._siblings[model].sandbox = self.sandbox
        return self._siblings[model]

    @property
    def default_max_tokens(self) -> int:
        """The maximum length of the text of a completion, without reasoning, unless a technique sets its own."""
        return int(self._settings.given.get("max_tokens", DEFAULT_PARAMS["max_tokens"]))

    @property
    def given_max_tokens(self) -> int | None:
        """The maximum length of a completion that the user gave, or None."""
        return self._settings.given.get("max_tokens")

    @property
    def traits(self) -> ModelTraits:
        """The traits of the model, without the settings that it has refused."""
        return self._settings.traits

    @property
    def refused(self) -> tuple[str, ...]:
        """The settings that the model has refused, and that are no longer sent as they were."""
        return self._settings.refused

    def assume_refused(self, settings: Iterable[str]) -> None:
        """Leave settings out that the model has refused in an earlier run, as `refused` returned them."""
        self._settings.assume_refused(settings)

    def tell_of_thoughts(self, request: Request) -> None:
        """Tell the user once that the model thinks, if no table of models says so."""
        self._settings.tell_of_thoughts(request)

    def check_effort(self, sampling: Mapping[str, Any]) -> None:
        """Check that the model thinks as the parameters say: `reasoning_effort`, `thinking_tokens`.

        Of a model whose efforts are not known, an effort that some provider has is left to its server, which may
        refuse it.

        Raises:
            UsageError: it does not; the message names what it takes.
        """
        problem = self.traits.find_effort_problem(self.name, sampling)
        if not problem and "reasoning_effort" in sampling and self.client.ignores_settings and not self.traits.efforts:
            problem = f"{self.name} takes no reasoning_effort; no setting for its thinking is known"
        if problem:
            error = UsageError(problem)
            # Every other call would fail for the same reason.
            error.ends_run = True
            raise error

    def check_price(self, budget: Budget | None) -> None:
        """Check that the price of this model is known if a budget limits dollars.

        Raises:
            PriceUnknown: it is not known.
            UnknownName: the model itself is not known.
        """
        if budget is None:
            return
        try:
            check_budget(budget).check_price(self.price, self.client.endpoint, self.name)
        except PriceUnknown:
            # The name may be wrong, which the client knows.
            self.client.key_variables()
            raise

    @property
    def limits(self) -> RateLimiter:
        """The rate limits."""
        return self._purchaser.limits

    @property
    def given_limits(self) -> LimitSettings | None:
        """The rate limits that were given, of several servers those of each; None if none were applied."""
        return self.client.settings if isinstance(self.client, ServerPool) else self.limits.settings_of(self)

    @property
    def concurrency(self) -> int:
        """The maximum number of requests in flight, of several servers at each."""
        if isinstance(self.client, ServerPool):
            return self.client.settings.concurrency or CONCURRENCY
        return self.limits.concurrency

    def apply_limits(self, owner: object, settings: LimitSettings) -> None:
        """Add the limits of an owner, of several servers to each; see `RateLimiter.apply`."""
        if isinstance(self.client, ServerPool):
            self.client.apply_limits(owner, settings)
            settings = self.client.total(settings)
        self.limits.apply(owner, settings)

    def remove_limits(self, owner: object) -> None:
        """Remove the limits of an owner."""
        if isinstance(self.client, ServerPool):
            self.client.remove_limits(owner)
        self.limits.remove(owner)

    @property
    def max_n(self) -> int:
        """The maximum number of draws of one request."""
        return self._purchaser.max_n

    @property
    def in_flight(self) -> int:
        """The number of draws that were requested and have not arrived."""
        return len(self.pending)

    @property
    def price(self) -> Price:
        """Computes the US dollars of a usage; returns None if the price is not known."""
        return self._purchaser.price

    @property
    def usage(self) -> Usage:
        """The usage that was paid for since this object was made, without draws that the journal returned."""
        return self._purchaser.usage

    @property
    def total_usage(self) -> Usage:
        """The usage of this model, its siblings and the paid clients since they were made."""
        paid = [service.usage for (_, is_paid), service in self._clients.items() if is_paid]
        return Usage.total((self.usage, *paid, *(sibling.total_usage for sibling in self._siblings.values())))

    @property
    def server_uses(self) -> tuple[ServerUse, ...]:
        """The work of each of several servers for this model and its siblings; empty with one server."""
        return add_uses((*self.client.uses, *(use for one in self._siblings.values() for use in one.server_uses)))

    @property
    def retries(self) -> int:
        """The number of retries since this object was made."""
        return self._purchaser.retries

    async def finish_calls(self) -> None:
        """Wait until the calls in flight have been answered, by all models that share the journal."""
        await self.pending.finish_calls()

    async def close(self) -> None:
        """Cancel the calls in flight, and close the client and the journal, from the library's event loop.

        The models that `sibling` has returned are closed, too. A closed model cannot be used again.
        """
        await self._queue.close()
        for other in (*self._siblings.values(), *self._clients.values()):
            await other.close()
        await self.client.close()
        event_loop.forget(self.client)
        self.limits.remove(self)
        self.journal.close()

    async def aclose(self) -> None:
        """Close the client and the journal, from any event loop; see `close`."""
        await event_loop.run_async(self.close())

    def __enter__(self) -> LLM:
        self._queue.check_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        # Ctrl-C does not wait for calls in flight.
        if kind is None or not issubclass(kind, KeyboardInterrupt):
            event_loop.run_sync(self.close(), is_short=True)

    def _connect_to(self, model: str) -> LLM:
        """Connect to a model that this one's client does not know."""
        if self._connect is None:
            raise UsageError(f"the client of {self.name} knows no model {model!r}; make the LLM with reasoning.connect")
        return self._connect(model, journal=self.journal, budget=self.budget)

    def _with_client(self, client: Client) -> LLM:
        """Return the model of another client, with this one's journal, budget and sampling parameters."""
        limits = self.limits.for_model(client.limited_as, client.model)
        other = LLM(
            client,
            journal=self.journal,
            budget=self.budget,
            limits=limits,
            sampling=self._settings.given,
            warm_prefix_cache=self.warm_prefix_cache,
            connect=self._connect,
        )
        other.check_price(self.budget)
        if limits is not self.limits and (settings := self.limits.settings_of(self)):
            limits.apply(other, settings)
        return other


def _no_cost(usage: Usage) -> float:
    """Return the price of a free call for a budget, whose reported usage has no price."""
    return 0.0
