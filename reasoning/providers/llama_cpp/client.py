"""The client of a local model: a GGUF file, served by llama.cpp in this process over loopback.

Three things make it fast on a few cores. The static prefix of a prompt is computed once and copied
to the other slots. Several draws share one computed prompt. While the model generates, this process
only waits on sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from reasoning import forks
from reasoning.errors import ContextOverflow, SettingRefused, UsageError
from reasoning.images import Image
from reasoning.messages import Completion, Request
from reasoning.providers.adapters import ACTIVATED, MERGED, Adapter, split_model
from reasoning.providers.adapters import find as find_adapter
from reasoning.providers.client import NO_VISION, Client, LoadProgress
from reasoning.providers.daemon_thread import run_in_thread
from reasoning.providers.llama_cpp import download, server
from reasoning.providers.llama_cpp.base_weights import Base, find_base, hash_file
from reasoning.providers.llama_cpp.cpu import choose_layout
from reasoning.providers.llama_cpp.slot_client import SlotClient
from reasoning.providers.model_table import traits
from reasoning.token_estimate import estimate_turns

_THINKING_CONTEXT = 8_192
"""The tokens of a slot for a model that thinks: prompt, thoughts and answer. Longer replies get a slot of their own."""
_CONTEXT_STEP = 1_024
"""The tokens to whose multiple the slots of such a model are lengthened."""


def local_client(model: str) -> LocalClient:
    """Return the client of `local`, `local:NAME` or `local:PATH.gguf`, each perhaps with `+ADAPTER`.

    Args:
        model: the model's name, with `local` in front.

    Raises:
        UnknownName: the catalogue has no such name, or the base no such adapter.
        UsageError: an adapter cannot be used so.
        WeightsError: there is no such file, or it is not a GGUF file.
    """
    model, names = split_model(model)
    base = find_base(model)
    if not names:
        return LocalClient(base.model, base.find)
    return _adapted_client(base, [find_adapter(base.name, name) for name in names])


def _adapted_client(base: Base, adapters: Sequence[Adapter]) -> LocalClient:
    stem, _, digest = base.model.partition("@")
    names, digests = ("+".join(parts) for parts in zip(*((one.name, one.sha256[:12]) for one in adapters), strict=True))
    model = f"{stem}+{names}@{digest}+{digests}"
    for adapter in adapters:
        if base.sha256:
            adapter.check_base(base.sha256)
        if adapter.served_by == "torch":
            raise UsageError(
                f"llama.cpp cannot serve the adapter {adapter.name!r} of the method {adapter.method!r}: "
                f"use {adapter.model}, which is slower"
            )
    if len(adapters) > 1 and (fault := next((one for one in adapters if not _adds(one)), None)):
        raise UsageError(
            f"the adapter {fault.name!r} of the method {fault.method!r} cannot be combined with others: "
            f"use {fault.model} alone"
        )
    if adapters[0].served_by == "merged":
        return LocalClient(model, lambda _: _find_merged(adapters[0]))
    return LocalClient(model, lambda progress: _find_matching(base, adapters, progress), adapters)


def _adds(adapter: Adapter) -> bool:
    """Return whether an adapter can be added to others: it changes the same computation for all tokens."""
    return adapter.served_by == "llama.cpp" and adapter.method != ACTIVATED


def _find_merged(adapter: Adapter) -> Path:
    adapter.verify_file(MERGED, adapter.merged)
    return adapter.merged


def _find_matching(base: Base, adapters: Sequence[Adapter], progress: LoadProgress) -> Path:
    """Return the file of the base, and check that the adapters were trained for it."""
    path = base.find(progress)
    digest = base.sha256 or hash_file(path)
    for adapter in adapters:
        adapter.check_base(digest)
    return path


class LocalClient(Client):
    """A client of weights on this machine, which are downloaded and loaded at the first call.

    All clients of a file share one server.

    Args:
        model: the name that goes into requests and the journal.
        find: a function that returns the file and may download it first.
        adapters: the adapters of the weights that it uses.

    Attributes:
        progress: called from another thread while weights are downloaded and loaded; set it before
            the first call. By default a download prints lines on standard error.
    """

    free = True
    ignores_settings = True

    def __init__(self, model: str, find: Callable[[LoadProgress], Path], adapters: Sequence[Adapter] = ()) -> None:
        self.model = model
        self.adapters = tuple(adapters)
        self._find = find
        self._slots: SlotClient | None = None
        self._starting: asyncio.Task[None] | None = None
        self.max_n = self.concurrency = choose_layout().slots
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the server to the parent process; see `reasoning.forks`."""
        forks.leak(self._slots, self._starting)
        self._slots = self._starting = None

    def find_image_problem(self, image: Image) -> str:
        return NO_VISION

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Return the draws, each with its own count of tokens.

        A prompt that needs longer slots gets them.

        Raises:
            SettingRefused: the request has tools, and the chat template of the weights has none. llama.cpp
                would describe them in words of its own, on which the model was not trained.
        """
        slots = await self._get_slots()
        if slots.server.context < _THINKING_CONTEXT and traits(self.model).reasons(request.sampling):
            # With the usual slots, each reply would be cut off within its thoughts and drawn once more.
            await slots.lengthen(min(_THINKING_CONTEXT, _estimate_context(request)))
        if request.sampling.get("tools") and not slots.server.takes_tools:
            raise SettingRefused("tools", f"the chat template of {self.model} has no tools")
        completed: dict[int, Completion] = {}
        precomputed = 0
        while missing := [draw for draw in draws if draw not in completed]:
            context = slots.server.context
            results, tokens = await slots.draw(request, missing)
            precomputed += tokens
            if any(_lacks_context(result, request) for result in results.values()) and await slots.grow(
                request, context
            ):
                results = {draw: result for draw, result in results.items() if not _lacks_context(result, request)}
            completed |= {draw: result for draw, result in results.items() if isinstance(result, Completion)}
            failures = [result for result in results.values() if not isinstance(result, Completion)]
            if failures:
                if draws[0] not in completed:
                    raise failures[0]
                break
        returned = [completed[draw] for draw in takewhile(completed.__contains__, draws)]
        return [_with_usage(draw, precomputed if i == 0 else None) for i, draw in enumerate(returned)]

    async def close(self) -> None:
        """Close the connections, and the server if no other client uses it."""
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(BaseException):
                await self._starting
            self._starting = None
        slots, self._slots = self._slots, None
        if slots is not None:
            await slots.close()
            await run_in_thread(lambda: server.release(slots.server))

    async def _get_slots(self) -> SlotClient:
        if self._slots is None:
            if self._starting is None or self._starting.done():
                self._starting = asyncio.ensure_future(self._start())
                # Retrieve the exception, which asyncio would otherwise log as never retrieved.
                self._starting.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.shield(self._starting)  # a cancelled caller does not stop it for the others
        assert self._slots is not None
        return self._slots

    async def _start(self) -> None:
        slots = SlotClient(self.model, loaded := await self.load_server(), self.adapters)
        try:
            await slots.add_adapters(self.adapters)
        except BaseException:
            await slots.close()
            await run_in_thread(lambda: server.release(loaded))
            raise
        self._slots = slots

    async def load_server(self, *, embeds: bool = False) -> server.LlamaServer:
        """Return the loaded server of the weights, which are downloaded first; give it back with `server.release`.

        Args:
            embeds: whether it computes embeddings instead of replies.

        Raises:
            MissingExtra: xllamacpp is not installed.
            WeightsError: the weights cannot be downloaded or loaded.
        """
        stopped = threading.Event()
        try:
            return await run_in_thread(lambda: self._load(stopped, embeds))
        except asyncio.CancelledError:
            stopped.set()
            raise

    def _load(self, stopped: threading.Event, embeds: bool) -> server.LlamaServer:
        printed = download.PrintedProgress()

        def report(done: int, total: int, description: str) -> None:
            if stopped.is_set():
                raise _Stopped
            (self.progress or printed)(done, total, description)

        server.check_installed()
        path = self._find(report)
        shared = server.acquire(path, embeds=embeds)
        try:
            report(0, 0, description := f"loading {self.model.partition('@')[0].partition(':')[2]}")
            shared.load(self.adapters)
            report(1, 1, description)
        except BaseException:
            server.release(shared)
            raise
        return shared


class _Stopped(BaseException):
    """Loading was cancelled."""


def _estimate_context(request: Request) -> int:
    """Return about the tokens of a slot for a prompt and its reply, in steps that spare another load soon after."""
    tokens = estimate_turns(request.messages) + request.max_tokens
    return math.ceil(tokens / _CONTEXT_STEP) * _CONTEXT_STEP


def _lacks_context(result: Completion | BaseException, request: Request) -> bool:
    """Return whether the context was too short for the prompt, or for `max_tokens`."""
    if isinstance(result, Completion):
        return result.truncated and result.usage.completion_tokens < request.max_tokens
    return isinstance(result, ContextOverflow)


def _with_usage(draw: Completion, precomputed: int | None) -> Completion:
    """Count the prompt's tokens for the first draw only.

    Tokens that were precomputed for it do not count as cached.
    """
    usage = draw.usage
    if precomputed is None:
        return replace(draw, usage=replace(usage, prompt_tokens=0, cached_tokens=0))
    return replace(draw, usage=replace(usage, cached_tokens=max(0, usage.cached_tokens - precomputed)))
