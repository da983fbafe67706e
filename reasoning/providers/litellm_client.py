"""Hosted models of any provider, through litellm: imported at the first call, with nothing global set."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from reasoning.errors import AuthenticationFailed, CallFailed, ContextOverflow, UnknownName, UsageError, nearest
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.client import Client
from reasoning.providers.http_errors import CONTEXT_OVERFLOW, is_retryable, retry_after
from reasoning.providers.model_traits import traits
from reasoning.providers.openai_response import parse_completions
from reasoning.providers.pricing import Price, price_table
from reasoning.text_safety import redact


class LiteLLMClient(Client):
    """One model of one provider, by its litellm name, such as "anthropic/claude-sonnet-4-5" or "ollama/llama3".

    Args:
        model: the name.
        api_key: the key, if not in the provider's environment variable.
        timeout: seconds for one call.

    Attributes:
        max_n: 1 where the table of models says that it does not give several draws, and from the moment that
            litellm or the provider says so.
        on_headers: told the headers of every answer, also of one that refuses.
    """

    def __init__(self, model: str, *, api_key: str | None = None, timeout: float = 60) -> None:
        self.model = model
        self.max_n = 20 if traits(model).n else 1
        self._api_key, self._timeout = api_key, timeout
        self._known = self._reached = False

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Ask for `len(draws)` completions in one request, or for one where the provider does not take more.

        A `seed` goes out with the index of the first draw added, so that two requests for the same thing are two draws.
        """
        litellm = _litellm()
        if not self._known:
            self._get_to_know(litellm)
        settings = dict(request.sampling)
        if isinstance(seed := settings.get("seed"), int):
            settings["seed"] = seed + draws[0]
        if (n := min(len(draws), self.max_n)) > 1:
            settings["n"] = n
        started = time.monotonic()
        try:
            answer = await self._send(litellm, request, settings)
        except CallFailed as error:
            if error.status not in (400, 422) or isinstance(error, ContextOverflow) or settings.pop("n", None) is None:
                raise
            answer = await self._send(litellm, request, settings)
            self.max_n = 1  # it was `n` that this model does not take
        took = time.monotonic() - started
        return parse_completions(answer.model_dump(warnings=False), took, self._price, key=request.key, draws=draws)

    def price(self, usage: Usage) -> float | None:
        """What a usage costs in US dollars; None where no price is known."""
        return None if self._price is None else self._price.usd(usage)

    @property
    def prices(self) -> str:
        """The version of the table that its price is from; empty where it has none."""
        return "" if self._price is None else self._price.version

    async def close(self) -> None:
        """Close litellm's connections."""
        if "litellm" in sys.modules:
            await _litellm().close_litellm_async_clients()

    @cached_property
    def _price(self) -> Price | None:
        return price_table(self.model)

    def _get_to_know(self, litellm: Any) -> None:
        _check_name(litellm, self.model)
        if "n" not in (litellm.get_supported_openai_params(self.model) or ()):
            self.max_n = 1
        self._known = True

    async def _send(self, litellm: Any, request: Request, settings: Mapping[str, Any]) -> Any:
        try:
            with _quiet(litellm):
                answer = await litellm.acompletion(
                    model=self.model,
                    messages=[{"role": turn.role, "content": turn.content} for turn in request.messages],
                    api_key=self._api_key,
                    timeout=self._timeout,
                    num_retries=0,  # retries are made in one place, and not here
                    max_retries=0,
                    **settings,
                )
        except Exception as error:
            raise self._failure(litellm, error) from None
        self._reached = True
        self.on_headers(getattr(answer, "_response_headers", None) or {})
        return answer

    def _failure(self, litellm: Any, error: Exception) -> CallFailed:
        """litellm's exception as one of ours: the provider's words, shortened, and no key in them."""
        response = getattr(error, "response", None)
        headers = getattr(error, "litellm_response_headers", None) or getattr(response, "headers", None) or {}
        self.on_headers(headers)
        # litellm gives a status to everything; without headers nobody answered.
        status = getattr(error, "status_code", None) if headers else None
        words = f"{self.model}: {redact(str(error), self._api_key, max_length=400)}"
        if self._api_key is None and not self._reached:
            missing = litellm.validate_environment(self.model)["missing_keys"]
            if any(name in words or "api_key" in words for name in missing):
                names = " and ".join(missing)
                return AuthenticationFailed(
                    f"{self.model} needs a key: set {names}, or use --model local, which needs none", status=status
                )
        denied = isinstance(error, litellm.PermissionDeniedError) and not self._reached
        if denied or isinstance(error, litellm.AuthenticationError):
            return AuthenticationFailed(f"{self.model}: the provider refuses the key", status=status)
        lasting = isinstance(error, litellm.BadRequestError | litellm.NotFoundError | litellm.UnprocessableEntityError)
        if isinstance(error, litellm.ContextWindowExceededError) or (lasting and CONTEXT_OVERFLOW.search(words)):
            return ContextOverflow(words, status=status)
        if (
            not self._reached
            and isinstance(error, litellm.APIConnectionError | litellm.InternalServerError)
            and not headers
        ):
            return CallFailed(f"{words}; no answer came: is there a network?")
        if lasting or "insufficient_quota" in words or (status is not None and not is_retryable(status)):
            return CallFailed(words, status=status)
        return CallFailed(words, retryable=True, retry_after=retry_after(headers), status=status)


def _check_name(litellm: Any, model: str) -> None:
    """Is there such a provider, or, without one in the name, such a model?"""
    provider, slash, _ = model.partition("/")
    providers = [str(one.value) for one in litellm.provider_list]
    if slash and provider not in providers:
        raise UnknownName("provider", provider, providers, f"of the model {model!r}")
    if not slash and model not in litellm.model_cost:
        known = [*litellm.model_cost, "local"]
        near = known if nearest(model, known) else ()  # thousands otherwise, of which the first tell nothing
        raise UnknownName("model", model, near, "(hosted models are named provider/model, this machine's is 'local')")


@contextmanager
def _quiet(litellm: Any) -> Iterator[None]:
    """While calls of ours are under way litellm does not print its advice to stdout; after them all is as it was."""
    global _calls, _said
    if _calls == 0:
        _said, litellm.suppress_debug_info = litellm.suppress_debug_info, True
    _calls += 1
    try:
        yield
    finally:
        _calls -= 1
        if _calls == 0:
            litellm.suppress_debug_info = _said


_calls = 0
_said: Any = None


def _litellm() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or its import asks the network for prices
    try:
        import litellm
    except ImportError as error:
        raise UsageError(f"hosted models need litellm, which cannot be imported: {error}") from error
    return litellm
