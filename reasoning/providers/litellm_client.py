"""Hosted models of any provider, through litellm, which is imported at the first call."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from functools import cached_property
from typing import Any

from reasoning import forks
from reasoning.errors import (
    AuthenticationFailed,
    CallFailed,
    ContextOverflow,
    ModelNotFound,
    PromptRefused,
    QuotaExhausted,
    SettingRefused,
    UnknownName,
    UsageError,
    nearest,
)
from reasoning.images import Image
from reasoning.messages import Completion, CompletionBatch, Request, Usage
from reasoning.providers.client import Client
from reasoning.providers.http_errors import NO_CREDIT_HINT, error_class, is_retryable, retry_after
from reasoning.providers.model_table import traits
from reasoning.providers.openai_response import is_broken_off, parse_completions
from reasoning.providers.pricing import Price, Tier, price_table
from reasoning.providers.prompt_cache import PromptCache
from reasoning.providers.refusals import SYSTEM_TURN_HINT, check_tier, drop_hint, find_refusal, refuses_system_turn
from reasoning.text_safety import redact
from reasoning.tool_calls import to_wire

_PASS_URLS = frozenset(["azure", "openai", "openrouter"])
"""The providers to which litellm passes the URL of an image on."""


class LiteLLMClient(Client):
    """A client of one hosted model, by its litellm name such as "ollama/llama3".

    Args:
        model: the litellm name.
        api_key: the key; None reads the provider's environment variable.
        timeout: seconds for one call.
        tier: the service tier: "flex" asks for the slower, cheaper one; "batches" only has the price of batches.
        prompt_cache: marks the beginnings that prompts share, for a provider that caches a prompt up to a mark.

    Attributes:
        max_n: 20, or 1 if `n` is not supported according to the table of models, litellm or the
            provider.
    """

    def __init__(
        self,
        model: str,
        *,
        api_key: str | None = None,
        timeout: float = 60,
        tier: Tier = "",
        prompt_cache: PromptCache | None = None,
    ) -> None:
        self.model, self.prompt_cache = model, prompt_cache
        self.caches_prompts = prompt_cache is not None
        self._tier: Tier = tier
        self.max_n = 20 if traits(model).n else 1
        self._api_key, self._timeout = api_key, timeout
        self._checked = self._reached = False
        if prompt_cache is not None:
            forks.reset_in_child(prompt_cache)

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Ask for `len(draws)` completions in one request, or for one if `n` is not supported.

        The index of the first draw is added to a `seed`, so that equal requests for different draws
        differ.

        Raises:
            CallFailed: the request failed.
            UnknownName: litellm knows no such provider or model.
        """
        litellm = load_litellm()
        if not self._checked:
            self._check_model(litellm)
        settings = dict(request.sampling)
        if isinstance(seed := settings.get("seed"), int):
            settings["seed"] = seed + draws[0]
        if (n := min(len(draws), self.max_n)) > 1:
            settings["n"] = n
        if self._tier == "flex":
            settings["service_tier"] = "flex"
        started = time.monotonic()
        try:
            reply = await self._send(litellm, request, settings)
        except CallFailed as error:
            check_tier(self.model, self._tier, error)
            is_other = isinstance(error, ContextOverflow | SettingRefused)
            if error.status not in (400, 422) or is_other or settings.pop("n", None) is None:
                raise
            reply = await self._send(litellm, request, settings)
            self.max_n = 1  # the refused parameter was `n`
        return self.read_reply(reply, request, draws, time.monotonic() - started)

    def read_reply(self, reply: Any, request: Request, draws: Sequence[int], seconds: float) -> CompletionBatch:
        """Return the completions of a reply in the form of the chat completions API; see `parse_completions`.

        Raises:
            CallFailed: there is no valid choice.
        """
        try:
            tools = "tools" in request.sampling
            return parse_completions(
                reply,
                seconds,
                self._price,
                key=request.key,
                draws=draws,
                messages=request.messages,
                tools=tools,
                returns_thoughts=tools and traits(self.model).returns_thoughts,
            )
        except CallFailed as error:  # it quotes the reply, which may contain the key
            error.args = (redact(str(error), self._api_key),)
            raise

    async def embed(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return the response of the provider's embeddings API to texts.

        Raises:
            CallFailed: the request failed.
            UnknownName: litellm knows no such provider or model.
        """
        litellm = load_litellm()
        if not self._checked:
            _check_name(litellm, self.model)
            self._checked = True
        try:
            with _quiet(litellm):
                async with asyncio.timeout(self._timeout):
                    response = await litellm.aembedding(
                        model=self.model,
                        input=list(texts),
                        api_key=self._api_key,
                        timeout=self._timeout,
                        num_retries=0,  # the engine retries
                        max_retries=0,
                    )
        except TimeoutError:
            raise CallFailed(f"{self.model} gave no answer within {self._timeout:g} s", retryable=True) from None
        except Exception as error:
            raise self._translate_error(litellm, error, Request(self.model, (), {}), {}) from None
        self._reached = True
        self.on_headers(getattr(response, "_response_headers", None) or {})
        plain: dict[str, Any] = response.model_dump(warnings=False)
        return plain

    def find_image_problem(self, image: Image) -> str:
        provider = self.model.partition("/")[0]
        if not image.url or provider in _PASS_URLS or (provider == "anthropic" and image.url.startswith("https://")):
            return ""
        # litellm would fetch it, from this machine, and the address may come from a data file.
        return f"takes no URL of an image ({image}): give the picture as a file or as bytes"

    def price(self, usage: Usage) -> float | None:
        """Return the cost of a usage in US dollars; None if the price is unknown."""
        return None if self._price is None else self._price.usd(usage)

    def worst_price(self, usage: Usage) -> float | None:
        """Return the most that a usage may cost: with a prompt cache, all of the prompt is written to it."""
        if self.prompt_cache is None or self._price is None:
            return self.price(usage)
        return self._price.worst_usd(usage)

    def sending(self, request: Request) -> AbstractAsyncContextManager[None]:
        """Return what is entered while a request is sent; see `PromptCache.sending`."""
        return nullcontext() if self.prompt_cache is None else self.prompt_cache.sending(request)

    def wire_turns(self, request: Request) -> list[dict[str, Any]]:
        """Return the turns of a request in the form of the chat completions API, with the marks of the prompt cache."""
        turns = to_wire(request.messages, tools="tools" in request.sampling)
        return turns if self.prompt_cache is None else self.prompt_cache.apply(request, turns)

    @property
    def prices(self) -> str:
        """The version of the price table; empty if the price is unknown."""
        return "" if self._price is None else self._price.version

    def key_variables(self) -> list[tuple[str, bool]]:
        """Return the environment variables that litellm lacks, or nothing if it lacks none.

        Raises:
            UnknownName: litellm knows no such provider or model.
        """
        litellm = load_litellm()
        _check_name(litellm, self.model)
        return [(str(name), False) for name in litellm.validate_environment(self.model)["missing_keys"]]

    async def close(self) -> None:
        """Close litellm's connections."""
        if "litellm" in sys.modules:
            await load_litellm().close_litellm_async_clients()

    @cached_property
    def _price(self) -> Price | None:
        keep = "5m" if self.prompt_cache is None else self.prompt_cache.keep
        return price_table(self.model, tier=self._tier, cache_time=keep)

    def _check_model(self, litellm: Any) -> None:
        _check_name(litellm, self.model)
        if "n" not in (litellm.get_supported_openai_params(self.model) or ()):
            self.max_n = 1
        self._checked = True

    async def _send(self, litellm: Any, request: Request, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request, and return the response in the form of the chat completions API."""
        received: list[Any] = []
        # litellm's own timeout begins anew with every part of a reply, which need not have an end.
        whole_call = asyncio.timeout(self._timeout)
        try:
            with _quiet(litellm):
                async with whole_call:
                    response = await litellm.acompletion(
                        model=self.model,
                        messages=self.wire_turns(request),
                        api_key=self._api_key,
                        timeout=self._timeout,
                        num_retries=0,  # the engine retries
                        max_retries=0,
                        logger_fn=lambda details: received.append(details.get("original_response")),
                        **settings,
                    )
        except Exception as error:
            if whole_call.expired():
                message = f"{self.model} gave no answer within {self._timeout:g} s"
                raise CallFailed(message, retryable=True) from None
            # litellm rejects a response if one of its choices is malformed. The others are paid for.
            if (reply := _chat_reply(received)) is None:
                raise self._translate_error(litellm, error, request, settings) from None
            self._reached = True
            return reply
        self._reached = True
        self.on_headers(getattr(response, "_response_headers", None) or {})
        reply = _chat_reply(received)
        if reply is not None and isinstance(reply["choices"], list) and any(map(is_broken_off, reply["choices"])):
            # litellm does not keep this.
            return reply
        plain: dict[str, Any] = response.model_dump(warnings=False)
        return plain

    def _translate_error(
        self, litellm: Any, error: Exception, request: Request, settings: Mapping[str, Any]
    ) -> CallFailed:
        """Translate litellm's exception, with its message shortened and redacted."""
        response = getattr(error, "response", None)
        headers = getattr(error, "litellm_response_headers", None) or getattr(response, "headers", None) or {}
        self.on_headers(headers)
        # litellm gives every error a status. Without headers there was no response.
        status = getattr(error, "status_code", None) if headers else None
        message = f"{self.model}: {redact(str(error), self._api_key, max_length=400)}"
        if self._api_key is None and not self._reached:
            missing = litellm.validate_environment(self.model)["missing_keys"]
            if any(name in message or "api_key" in message for name in missing):
                names = " and ".join(missing)
                return AuthenticationFailed(
                    f"{self.model} needs a key: set {names}, or use --model local, which needs none", status=status
                )
        error_type = _error_class(litellm, error, status, message)
        if error_type is AuthenticationFailed:
            said = f": {message}" if isinstance(error, litellm.PermissionDeniedError) else ""
            return AuthenticationFailed(f"{self.model}: the provider refuses the key{said}", status=status)
        if error_type is QuotaExhausted:
            message += NO_CREDIT_HINT
        if error_type is ModelNotFound:
            message += "; check the model's name"
        if error_type is not CallFailed:
            return error_type(message, status=status)
        if isinstance(error, litellm.BadRequestError | litellm.UnprocessableEntityError):
            if (refusal := find_refusal(status, str(error), "", settings)) is not None:
                return SettingRefused(refusal.setting, message, status)
            if refuses_system_turn(400, str(error), [turn.role for turn in request.messages]):
                message += SYSTEM_TURN_HINT
            message += drop_hint(self.model, status, str(error), settings)
        if (
            not self._reached
            and isinstance(error, litellm.APIConnectionError | litellm.InternalServerError)
            and not headers
        ):
            return CallFailed(f"{message}; there was no answer: is there a network?")
        permanent = isinstance(error, litellm.BadRequestError | litellm.UnprocessableEntityError)
        if permanent or (status is not None and not is_retryable(status)):
            return CallFailed(message, status=status)
        return CallFailed(message, retryable=True, retry_after=retry_after(headers), status=status)


def _chat_reply(received: Sequence[Any]) -> dict[str, Any] | None:
    """Return the response that litellm received, if it has the form of the chat completions API, else None."""
    try:
        reply = json.loads(received[-1])
    except (IndexError, TypeError, ValueError, RecursionError):
        return None
    return reply if isinstance(reply, dict) and "choices" in reply else None


def _error_class(litellm: Any, error: Exception, status: int | None, message: str) -> type[CallFailed]:
    """Return the class of an error, from litellm's class, or from the status and the message."""
    if isinstance(error, litellm.ContextWindowExceededError):
        return ContextOverflow
    if isinstance(error, litellm.ContentPolicyViolationError):
        return PromptRefused
    if status is None and isinstance(error, litellm.BadRequestError | litellm.RateLimitError):
        # litellm did not pass the headers of the response on.
        status = error.status_code
    error_type = error_class(status, message)
    if error_type is CallFailed and isinstance(error, litellm.AuthenticationError | litellm.PermissionDeniedError):
        return AuthenticationFailed
    if error_type is CallFailed and isinstance(error, litellm.NotFoundError):
        return ModelNotFound
    return error_type


def _check_name(litellm: Any, model: str) -> None:
    """Raise UnknownName unless litellm knows the provider, or the model without one."""
    name, slash, _ = model.partition("/")
    providers = [str(provider.value) for provider in litellm.provider_list]
    if slash and name not in providers:
        raise UnknownName("provider", name, providers, f"of the model {model!r}")
    if not slash and model not in litellm.model_cost:
        known = [*litellm.model_cost, "local"]
        suggestions = known if nearest(model, known) else ()  # otherwise the message would list the first of thousands
        hint = "(hosted models are named provider/model, this machine's is 'local')"
        error = UnknownName("model", model, suggestions, hint)
        # Every other call would fail for the same reason.
        error.ends_run = True
        raise error


@contextmanager
def _quiet(litellm: Any) -> Iterator[None]:
    """Keep litellm from printing advice to stdout while our calls run."""
    global _calls, _previous
    if _calls == 0:
        _previous, litellm.suppress_debug_info = litellm.suppress_debug_info, True
    _calls += 1
    try:
        yield
    finally:
        _calls -= 1
        if _calls == 0:
            litellm.suppress_debug_info = _previous


_calls = 0
_previous: Any = None


def _reset_after_fork() -> None:
    """Leave litellm's connections to the parent process; see `reasoning.forks`."""
    if (litellm := sys.modules.get("litellm")) is None:
        return
    cache = getattr(litellm, "in_memory_llm_clients_cache", None)
    for name in ("cache_dict", "ttl_dict"):
        if isinstance(entries := getattr(cache, name, None), dict):
            forks.leak(*entries.values())
            entries.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


def load_litellm() -> Any:
    """Return the module litellm, which is imported at the first call."""
    # Without this the import of litellm downloads prices.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    try:
        import litellm
    except ImportError as error:
        raise UsageError(f"hosted models need litellm, which cannot be imported: {error}") from error
    return litellm
