"""The model of an evaluation of inspect_ai as a client of this library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from typing import Any

import anyio
from inspect_ai.model import (
    CachePolicy,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    Content,
    ContentImage,
    ContentText,
    GenerateConfig,
    Model,
    ModelOutput,
    ResponseSchema,
    get_model,
)

from reasoning.engine.llm import LLM
from reasoning.errors import CallFailed, SettingRefused, UsageError
from reasoning.messages import Completion, Message, Request
from reasoning.providers.client import Client
from reasoning.providers.openai_response import parse_completions

try:
    from inspect_ai.util import LimitExceededError
except ImportError:  # pragma: no cover - it moved between releases
    from inspect_ai.util._limit import LimitExceededError

_OPEN_LIMIT = 131_071
"""The `max_tokens` of a call that sets none, if the evaluation sets none either; it is not sent."""
_NAMES = {
    **{name: name for name in ("temperature", "top_p", "top_k", "seed", "logprobs", "top_logprobs", "verbosity")},
    **{
        name: name for name in ("frequency_penalty", "presence_penalty", "reasoning_effort", "max_tokens", "extra_body")
    },
    "stop": "stop_seqs",
    "thinking_tokens": "reasoning_tokens",
}
"""The names of sampling parameters in inspect_ai. Others are fields of one server."""
_FINISH = {"max_tokens": "length", "model_length": "length", "content_filter": "content_filter"}
_MAX_CHOICES = 64


class _Stopped(CallFailed):
    # A limit of the sample is used up: no further call can succeed.
    ends_run = True


class SampleCalls:
    """The calls of one sample, which run in its tasks and context, so that its transcript and limits see them.

    Args:
        loop: the event loop of the evaluation.
        group: the tasks of the sample.
        context: the context of the sample.

    Attributes:
        error: the first error of inspect_ai that ended a call; None without one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, group: anyio.abc.TaskGroup, context: Context) -> None:
        self._loop, self._group, self._context = loop, group, context
        self.error: BaseException | None = None

    async def generate(self, model: Model, turns: list[ChatMessage], config: GenerateConfig, cache: Any) -> ModelOutput:
        """Generate in a task of the sample, from the library's event loop.

        Raises:
            CallFailed: the call failed, after the retries of inspect_ai.
        """
        done: Future[ModelOutput] = Future()
        scope = anyio.CancelScope()

        async def run() -> None:
            with scope:
                try:
                    done.set_result(await model.generate(turns, config=config, **cache))
                except LimitExceededError as error:
                    self.error = error
                    done.set_exception(_Stopped(str(error)))
                except Exception as error:
                    self.error = self.error or error
                    done.set_exception(CallFailed(f"{type(error).__name__}: {error}"))
            if not done.done():
                done.cancel()

        self._loop.call_soon_threadsafe(self._group.start_soon, run, context=self._context)
        try:
            return await asyncio.wrap_future(done)
        except asyncio.CancelledError:
            self._loop.call_soon_threadsafe(scope.cancel)
            raise


class InspectClient(Client):
    """A client that generates with a model of inspect_ai.

    Args:
        model: the model.
        calls: the calls of the sample.
    """

    max_n = _MAX_CHOICES

    def __init__(self, model: Model, calls: SampleCalls) -> None:
        self._model, self._calls = model, calls
        self.model = str(model)

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        config = to_config(request.sampling, len(draws))
        turns = [to_turn(message) for message in request.messages]
        output = await self._calls.generate(self._model, turns, config, self._cache(request, draws))
        if not output.choices:
            raise CallFailed(f"{self.model} returned no completion: {output.error or 'no reason is given'}")
        return parse_completions(
            to_reply(output), output.time or 0.0, key=request.key, draws=draws, messages=request.messages
        )

    def _cache(self, request: Request, draws: Sequence[int]) -> dict[str, Any]:
        """Return the policy of a cache in which each draw has its own entry; a vote would count one reply often."""
        policy = self._model._resolve_config(None).cache
        if not policy:
            return {}
        policy = policy if isinstance(policy, CachePolicy) else CachePolicy()
        scopes = {**policy.scopes, "reasoning_draws": ",".join(map(str, draws)), "reasoning_series": request.series}
        return {"cache": policy.model_copy(update={"scopes": scopes})}

    def sibling(self, model: str) -> InspectClient:
        return InspectClient(get_model(model), self._calls)


@asynccontextmanager
async def open_calls(model: Model) -> AsyncIterator[tuple[LLM, SampleCalls]]:
    """Open the model of a sample. Calls that nothing awaits at the end are cancelled.

    Args:
        model: the model of the evaluation.

    Raises:
        UsageError: the evaluation does not run on asyncio.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise UsageError("evaluations must run on asyncio; leave out INSPECT_ASYNC_BACKEND=trio") from None
    config = model._resolve_config(None)
    raised: BaseException | None = None
    # An error that leaves a task group directly would be wrapped in a group.
    async with anyio.create_task_group() as group:
        calls = SampleCalls(loop, group, copy_context())
        limit = config.max_tokens or _OPEN_LIMIT
        llm = LLM(InspectClient(model, calls), sampling={"max_tokens": limit, "temperature": config.temperature})
        if config.temperature is None:
            # As for other solvers, the provider chooses a temperature that is not set.
            llm.sampling.pop("temperature", None)
        try:
            yield llm, calls
        except Exception as error:
            raised = error
        finally:
            with anyio.CancelScope(shield=True):
                await llm.aclose()
        group.cancel_scope.cancel()
    if raised is not None:
        raise raised


def to_config(sampling: Mapping[str, Any], choices: int) -> GenerateConfig:
    """Return the sampling parameters of a call in the form of inspect_ai.

    Raises:
        SettingRefused: the model must do without a setting.
        UsageError: the call asks for native tools.
    """
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in sampling.items():
        if name == "tools":
            raise UsageError("native calls of tools do not work inside inspect_ai; use the text form of the technique")
        if name == "response_format":
            values["response_schema"] = _schema(value)
        elif name == "stop":
            values["stop_seqs"] = [value] if isinstance(value, str) else list(value)
        elif name == "logit_bias":
            values[name] = {int(token): bias for token, bias in value.items()}
        elif name in _NAMES:
            values[_NAMES[name]] = value
        else:
            extra[name] = value
    if values.get("max_tokens") == _OPEN_LIMIT:
        del values["max_tokens"]
    if extra:
        values["extra_body"] = {**extra, **values.get("extra_body", {})}
    if choices > 1:
        values["num_choices"] = choices
    return GenerateConfig(**values)


def _schema(form: Mapping[str, Any]) -> ResponseSchema:
    schema = form.get("json_schema")
    if form.get("type") != "json_schema" or not isinstance(schema, Mapping):
        raise SettingRefused(
            "response_format", "inspect_ai takes a JSON schema, and no other form of structured output"
        )
    try:
        return ResponseSchema(
            name=schema.get("name", "answer"), json_schema=schema["schema"], strict=schema.get("strict")
        )
    except ValueError as error:
        raise SettingRefused("response_format", f"inspect_ai does not take this schema: {error}") from None


def to_turn(message: Message) -> ChatMessage:
    """Return a turn in the form of inspect_ai."""
    content: str | list[Content] = message.content
    if message.images:
        pictures = [ContentImage(image=image.address) for image in message.images]
        content = [*pictures, ContentText(text=message.content)]
    if message.role == "system":
        return ChatMessageSystem(content=message.content)
    return ChatMessageAssistant(content=content) if message.role == "assistant" else ChatMessageUser(content=content)


def to_reply(output: ModelOutput) -> dict[str, Any]:
    """Return an output in the form of the chat completions API, whose parser divides the usage among the choices."""
    choices = []
    for index, choice in enumerate(output.choices):
        parts = choice.message.content if isinstance(choice.message.content, list) else []
        thought = "\n".join(part.reasoning for part in parts if part.type == "reasoning" and not part.redacted)
        message = {"role": "assistant", "content": choice.message.text, "reasoning_content": thought or None}
        logprobs = None if choice.logprobs is None else choice.logprobs.model_dump()
        finish = _FINISH.get(choice.stop_reason, "stop")
        choices.append({"index": index, "message": message, "finish_reason": finish, "logprobs": logprobs})
    usage = output.usage
    reply: dict[str, Any] = {"choices": choices, "id": output.response_id or ""}
    if usage is not None:
        cached = usage.input_tokens_cache_read or 0
        written = usage.input_tokens_cache_write or 0
        prompt = usage.input_tokens + cached + written
        reply["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        }
    return reply
