"""Draws from an engine: what of a prompt is computed already is copied into the slot that goes on from there."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from reasoning.errors import CallFailed, ContextOverflow
from reasoning.messages import Completion, Message, Request
from reasoning.providers.llama_cpp import server as engines
from reasoning.providers.llama_cpp.prefix_cache import Save
from reasoning.providers.llama_cpp.server import LlamaServer
from reasoning.providers.llama_cpp.slot_pool import Slot
from reasoning.providers.openai_client import OpenAIClient

_WORTH_SAVING = 256  # characters: some 60 tokens, a quarter of a second on two cores
_HERE = "⁂"  # marks where a prefix ends when the chat template is filled in


class SlotClient:
    """One user's connection to an engine; to be closed before the engine is."""

    def __init__(self, model: str, engine: LlamaServer) -> None:
        self.server = engine
        self._http = OpenAIClient(
            model, engine.address, api_key=engine.key, timeout=None, free=True, socket_factory=engine.connect
        )

    async def draw(self, request: Request, draws: Sequence[int]) -> tuple[dict[int, Completion | BaseException], int]:
        """Each draw's completion or failure, and how many of the prompt's tokens were computed ahead of them all."""
        ahead = 0
        prefixes: list[str] = []  # what the slots shall begin with, the longest first
        async with AsyncExitStack() as held:
            try:
                for key, save, keep in self._prefixes(request, several=len(draws) > 1):
                    ahead += await held.enter_async_context(self.server.prefixes.hold(key, save, keep=keep))
                    prefixes.insert(0, key)
            except ContextOverflow as error:
                return dict.fromkeys(draws, error), ahead
            drawing = [asyncio.ensure_future(self._draw(request, draw, prefixes)) for draw in draws]
            try:
                came = await asyncio.gather(*drawing, return_exceptions=True)
            finally:
                for task in drawing:
                    task.cancel()
        return dict(zip(draws, came, strict=True)), ahead

    def _prefixes(self, request: Request, several: bool) -> Iterator[tuple[str, Save, bool]]:
        """What of a prompt is worth saving, the shorter first: its key, how it is saved, whether to keep it."""
        before = []
        shared = request.messages[: min(request.static_prefix, len(request.messages) - 1)]
        if sum(len(turn.content) for turn in shared) >= _WORTH_SAVING:
            role = request.messages[len(shared)].role
            before = [_key(role, shared)]
            yield before[0], self._saving(lambda slot: self._begin(slot, shared, role)), True
        if several:
            yield _key("", request.messages), self._saving(lambda slot: self._read(slot, request), *before), False

    async def grow(self, request: Request, context: int) -> bool:
        """Have slots that hold more than `context` tokens, if this request can use them and the model allows it.

        The engine is loaded again with fewer slots, once nobody is using it.

        Raises:
            ContextOverflow: the prompt is longer than the longest slot there can be.
        """
        said = "\n".join(turn.content for turn in request.messages)
        async with self.server.slots.acquire():  # nobody loads the engine again meanwhile
            tokens = len((await self._post("/tokenize", {"content": said}))["tokens"])
        limit = min(engines.CONTEXT, self.server.trained_context)
        if tokens >= limit:
            raise ContextOverflow(
                f"the prompt has {tokens:,} tokens and {request.model} holds {limit:,} together with the answer: "
                "shorten it, or use a model with a longer context"
            )
        if context < limit:
            async with self.server.slots.acquire_all():
                if self.server.context <= context:
                    wanted = max(tokens + request.max_tokens, context + 1)  # the template takes some tokens, too
                    await asyncio.to_thread(self.server.reload, min(wanted, limit))
        return self.server.context > context

    async def close(self) -> None:
        await self._http.close()

    async def _draw(self, request: Request, draw: int, prefixes: Sequence[str]) -> Completion:
        async with self.server.slots.acquire(*prefixes) as slot:
            await self._restore(slot, prefixes)
            sampling = dict(request.sampling)
            if sampling.get("logprobs"):
                sampling.setdefault("top_logprobs", 1)  # the server's default is 20
            one = await self._complete(slot, request, sampling, draw)
            slot.prefixes = tuple(prefixes)
            return one

    async def _restore(self, slot: Slot, prefixes: Sequence[str]) -> None:
        """Put the longest of these prefixes that is saved into the slot, unless it is there."""
        for i, key in enumerate(prefixes):
            if key in slot.prefixes:
                return
            slot.prefixes = ()
            try:
                await self._post(f"/slots/{slot.index}?action=restore", {"filename": key})
            except CallFailed:  # not saved, or removed since: the prompt is computed, as without any of this
                continue
            slot.prefixes = tuple(prefixes[i:])
            return

    def _saving(self, compute: Callable[[Slot], Awaitable[int]], *prefixes: str) -> Save:
        """How `PrefixCache` gets one that begins with these: computed in a slot, and the slot saved."""

        async def save(key: str) -> tuple[int, int]:
            async with self.server.slots.acquire(*prefixes) as slot:
                await self._restore(slot, prefixes)
                slot.prefixes = ()
                tokens = await compute(slot)
                slot.prefixes = (key, *prefixes)
                try:
                    answer = await self._post(f"/slots/{slot.index}?action=save", {"filename": key})
                except CallFailed:  # a full disk: this slot has it, and the others compute it
                    return tokens, 0
                return tokens, int(answer["n_written"])

        return save

    async def _begin(self, slot: Slot, shared: Sequence[Message], role: str) -> int:
        """Compute the beginning of a prompt: its turns up to where the content of the next one starts."""
        turns = [turn._asdict() for turn in (*shared, Message(role, _HERE))]
        filled = await self._post("/apply-template", {"messages": turns})
        body = {"prompt": filled["prompt"].partition(_HERE)[0], "n_predict": 0, "id_slot": slot.index}
        answer = await self._post("/completion", body | {"response_fields": ["timings"]})
        return int(answer["timings"]["prompt_n"])

    async def _read(self, slot: Slot, request: Request) -> int:
        """Compute a whole prompt and generate nothing."""
        sampling = {name: value for name, value in request.sampling.items() if "logprobs" not in name}
        used = (await self._complete(slot, request, sampling | {"max_tokens": 0}, 0)).usage
        return used.prompt_tokens - used.cached_tokens

    async def _complete(self, slot: Slot, request: Request, sampling: Mapping[str, Any], draw: int) -> Completion:
        slot.prefixes = ()  # until the call has come through, nobody knows what it holds
        self._http.endpoint = self.server.address
        [one] = await self._http.complete(replace(request, sampling={**sampling, "id_slot": slot.index}), [draw])
        return one

    async def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        self._http.endpoint = self.server.address  # another one after the engine was loaded again
        return await self._http.post(path, body)


def _key(role: str, turns: Sequence[Message]) -> str:
    return hashlib.sha256(json.dumps([role, turns]).encode()).hexdigest()
