"""Draws from a local server: computed prefixes are copied into the slot of each draw."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from reasoning.errors import CallFailed, ContextOverflow
from reasoning.messages import Completion, Message, Request
from reasoning.providers.adapters import ACTIVATED, Adapter
from reasoning.providers.llama_cpp.prefix_cache import Save
from reasoning.providers.llama_cpp.server import LlamaServer
from reasoning.providers.llama_cpp.slot_pool import Slot
from reasoning.providers.openai_client import OpenAIClient
from reasoning.tool_calls import mark_calls

# Characters from which a prefix is saved: some 60 tokens, a quarter of a second on two cores.
_WORTH_SAVING = 256
# Marks the end of a prefix when the chat template is filled in.
_MARKER = "⁂"


class SlotClient:
    """One client's connection to a local server. Close it before the server.

    Args:
        model: the name that goes into requests.
        server: the server, which must be loaded.
        adapters: the adapters that its draws use; none for the base alone.
    """

    def __init__(self, model: str, server: LlamaServer, adapters: Sequence[Adapter] = ()) -> None:
        self.server = server
        self._adapters = tuple(adapter.sha256 for adapter in adapters)
        # An activated LoRA changes nothing before the last turn, so that its prefixes are those of the base.
        self._activated = any(adapter.method == ACTIVATED for adapter in adapters)
        self._prefix_adapters = () if self._activated else self._adapters
        self._http = OpenAIClient(
            model, server.address, api_key=server.key, timeout=None, free=True, socket_factory=server.connect
        )

    async def draw(self, request: Request, draws: Sequence[int]) -> tuple[dict[int, Completion | BaseException], int]:
        """Return each draw's result, and the number of prompt tokens computed before all draws."""
        precomputed = 0
        # The prefixes that the slots should begin with, the longest first.
        prefixes: list[str] = []
        async with AsyncExitStack() as saved:
            try:
                for key, save, keep in self._prefixes(request, several=len(draws) > 1):
                    precomputed += await saved.enter_async_context(self.server.prefixes.hold(key, save, keep=keep))
                    prefixes.insert(0, key)
            except ContextOverflow as error:
                return dict.fromkeys(draws, error), precomputed
            tasks = [asyncio.ensure_future(self._draw(request, draw, prefixes)) for draw in draws]
            try:
                results = await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                for task in tasks:
                    task.cancel()
        return dict(zip(draws, results, strict=True)), precomputed

    def _prefixes(self, request: Request, several: bool) -> Iterator[tuple[str, Save, bool]]:
        """Yield the prefixes worth saving, shorter first: key, saving function, persistence.

        With an activated LoRA the turns before the last one are always among them; see `_compute_inactive`.
        """
        keys: list[str] = []
        shared = request.messages[: min(request.static_prefix, len(request.messages) - 1)]
        parts = [shared] if sum(len(turn.content) for turn in shared) >= _WORTH_SAVING else []
        if self._activated and (before := request.messages[:-1]) not in parts:
            parts.append(before)
        for turns in parts:
            key = self._prefix_key(request, len(turns))
            compute = partial(self._compute_prefix, request=request, count=len(turns))
            yield key, self._saving(compute, *keys), turns == shared
            keys.insert(0, key)
        if several:
            save = self._saving(partial(self._compute_prompt, request=request), *keys)
            yield _key("", request.messages, self._adapters, request.sampling.get("tools")), save, False

    async def grow(self, request: Request, context: int) -> bool:
        """Load the server again with fewer and longer slots, if the model allows it.

        It waits until no slot is in use.

        Args:
            request: the request that did not fit.
            context: the tokens of a slot when it did not fit.

        Returns:
            Whether a slot has more than `context` tokens now.

        Raises:
            ContextOverflow: the prompt is longer than the longest possible slot.
        """
        text = "\n".join(turn.content for turn in request.messages)
        async with self.server.slots.acquire():  # the server is not loaded again meanwhile
            tokens = len((await self._post("/tokenize", {"content": text}))["tokens"])
        limit = self.server.max_context
        if tokens >= limit:
            raise ContextOverflow(
                f"the prompt has {tokens:,} tokens and {request.model} holds {limit:,} together with the answer: "
                "shorten it, or use a model with a longer context"
            )
        if context < limit:
            wanted = max(tokens + request.max_tokens, context + 1)  # the template takes some tokens, too
            await self.lengthen(wanted, least=context + 1)
        return self.server.context > context

    async def lengthen(self, tokens: int, least: int | None = None) -> None:
        """Load the server again with fewer and longer slots, unless they are long enough.

        It waits until no slot is in use.

        Args:
            tokens: the wanted tokens of a slot; fewer if the model does not allow them.
            least: the tokens with which a slot is long enough; by default `tokens`.
        """
        tokens = min(tokens, self.server.max_context)
        least = tokens if least is None else least
        if self.server.context < least:
            async with self.server.slots.acquire_all():
                if self.server.context < least:  # another request may have lengthened them meanwhile
                    await asyncio.to_thread(self.server.reload, tokens)

    async def add_adapters(self, adapters: Sequence[Adapter]) -> None:
        """Load the server again with these adapters, too, unless it has them. It waits until no slot is in use.

        Raises:
            WeightsError: llama.cpp cannot load an adapter.
            InputError: the file of an adapter is missing or damaged.
        """
        if not self._adapters_are_loaded():
            async with self.server.slots.acquire_all():
                await asyncio.to_thread(self.server.add_adapters, adapters)

    def _adapters_are_loaded(self) -> bool:
        return set(self._adapters) <= set(self.server.adapters)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _draw(self, request: Request, draw: int, prefixes: Sequence[str]) -> Completion:
        async with self.server.slots.acquire(*prefixes) as slot:
            await self._restore(slot, prefixes)
            computed = await self._compute_inactive(slot, request)
            sampling = dict(request.sampling)
            if sampling.get("logprobs"):
                sampling.setdefault("top_logprobs", 1)  # the server's default is 20
            completion = await self._complete(slot, request, sampling, draw)
            slot.prefixes = tuple(prefixes)
            if self._activated:
                # The adapter changed the last turn, which in a longer conversation is not the last one any more.
                slot.adapters = None
            if computed:
                cached = max(0, completion.usage.cached_tokens - computed)
                completion = replace(completion, usage=replace(completion.usage, cached_tokens=cached))
            return completion

    async def _restore(self, slot: Slot, prefixes: Sequence[str]) -> None:
        """Load the longest saved prefix into the slot, unless it is there already."""
        await self._switch(slot)
        for i, key in enumerate(prefixes):
            if key in slot.prefixes:
                return
            slot.prefixes = ()
            try:
                await self._post(f"/slots/{slot.index}?action=restore", {"filename": key})
            except CallFailed:  # not saved, or removed since: the prompt is computed as usual
                continue
            slot.prefixes = tuple(prefixes[i:])
            return

    async def _switch(self, slot: Slot) -> None:
        """Prepare the slot for this client's adapters, if its last request used others.

        llama.cpp empties a slot at the first request with other adapters, even if a prefix for these has just been
        restored. So a request of one token comes first. Between two activated LoRAs llama.cpp keeps what the first
        one has computed; without adapters it empties the slot.
        """
        if slot.adapters == self._adapters:
            return
        if self.server.adapters:
            slot.prefixes, slot.adapters = (), None
            body = {"prompt": _MARKER, "n_predict": 0, "id_slot": slot.index, **self._scales(self._prefix_adapters)}
            await self._post("/completion", body | {"response_fields": []})
        slot.adapters = self._adapters

    def _scales(self, adapters: Sequence[str]) -> dict[str, Any]:
        """Return the field of a request that states the scale of every adapter of the server.

        Without the field, or with an empty list, llama.cpp would use what the slot has computed with other adapters.
        """
        loaded = self.server.adapters
        scales = [{"id": i, "scale": float(digest in adapters)} for i, digest in enumerate(loaded)]
        return {"lora": scales} if loaded else {}

    def _saving(self, compute: Callable[[Slot], Awaitable[int]], *prefixes: str) -> Save:
        """Return a function that computes a prefix on top of `prefixes` and saves the slot."""

        async def save(key: str) -> tuple[int, int]:
            async with self.server.slots.acquire(*prefixes) as slot:
                await self._restore(slot, prefixes)
                slot.prefixes = ()
                tokens = await compute(slot)
                slot.prefixes = (key, *prefixes)
                try:
                    answer = await self._post(f"/slots/{slot.index}?action=save", {"filename": key})
                except CallFailed:  # a full disk: this slot has the prefix, and the others compute it
                    return tokens, 0
                return tokens, int(answer["n_written"])

        return save

    def _prefix_key(self, request: Request, count: int) -> str:
        """Return the key of the first turns of a request, up to where the content of the next turn begins."""
        turns, role = request.messages[:count], request.messages[count].role
        return _key(role, turns, self._prefix_adapters, request.sampling.get("tools"))

    async def _compute_prefix(self, slot: Slot, request: Request, count: int) -> int:
        """Compute the first turns of a request, up to where the content of the next turn begins."""
        tools, next_turn = request.sampling.get("tools"), Message(request.messages[count].role, _MARKER)
        turns = [turn._asdict() for turn in (*request.messages[:count], next_turn)]
        filled = await self._post("/apply-template", {"messages": turns, **({"tools": tools} if tools else {})})
        body = {"prompt": filled["prompt"].partition(_MARKER)[0], "n_predict": 0, "id_slot": slot.index}
        body |= self._scales(self._prefix_adapters)
        answer = await self._post("/completion", body | {"response_fields": ["timings"]})
        return int(answer["timings"]["prompt_n"])

    async def _compute_inactive(self, slot: Slot, request: Request) -> int:
        """Compute the turns before the last one if the adapter is an activated LoRA and the slot lacks them.

        llama.cpp would compute them without the adapter, and would take it from all requests of the same batch
        meanwhile, which then reply as the base does.

        Returns:
            The number of tokens computed.
        """
        if not self._activated:
            return 0
        before = len(request.messages) - 1
        if (key := self._prefix_key(request, before)) in slot.prefixes:
            return 0
        tokens = await self._compute_prefix(slot, request, before)
        slot.prefixes = (key, *slot.prefixes)
        return tokens

    async def _compute_prompt(self, slot: Slot, request: Request) -> int:
        """Compute a whole prompt and generate nothing."""
        computed = await self._compute_inactive(slot, request)
        sampling = {name: value for name, value in request.sampling.items() if "logprobs" not in name}
        usage = (await self._complete(slot, request, sampling | {"max_tokens": 0}, 0)).usage
        return usage.prompt_tokens - usage.cached_tokens + computed

    async def _complete(self, slot: Slot, request: Request, sampling: Mapping[str, Any], draw: int) -> Completion:
        slot.prefixes = ()  # unknown until the call has succeeded
        self._http.endpoint = self.server.address
        sampling = {**sampling, "id_slot": slot.index}
        if scales := self._scales(self._adapters):
            sampling["extra_body"] = {**sampling.get("extra_body", {}), **scales}
        [completion] = await self._http.complete(replace(request, sampling=sampling), [draw])
        if tools := sampling.get("tools"):
            # Small models often leave the marks of a call out, and llama.cpp then takes it for text.
            names = {str(tool["function"]["name"]) for tool in tools}
            completion = replace(completion, text=mark_calls(completion.text, names))
        return completion

    async def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        self._http.endpoint = self.server.address  # it changes when the server is loaded again
        return await self._http.post(path, body)


def _key(role: str, turns: Sequence[Message], adapters: Sequence[str], tools: Any) -> str:
    """Return the key of a prefix: of its text, of the tools in it, and of the adapters with which it was computed."""
    parts = [role, turns, sorted(adapters)] if adapters else [role, turns]
    return hashlib.sha256(json.dumps([*parts, tools] if tools else parts).encode()).hexdigest()
