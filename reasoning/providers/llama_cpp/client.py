"""A model on this machine: a GGUF file, served by llama.cpp in this process and spoken to over loopback.

Three things make it fast on a few cores. The fixed beginning of a prompt is computed once and copied to the other
slots; several draws share one computed prompt; and while the model generates, this process only waits on sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from reasoning.errors import ContextOverflow, WeightsError
from reasoning.messages import Completion, Request
from reasoning.providers.client import Client
from reasoning.providers.llama_cpp import server, weights
from reasoning.providers.llama_cpp.slot_client import SlotClient

T = TypeVar("T")


def local_client(model: str) -> LocalClient:
    """The client of `local`, `local:NAME` or `local:PATH.gguf`.

    Raises:
        UnknownName: no such name in the catalogue.
        WeightsError: no such file, or it is not a GGUF file.
    """
    name = model.partition(":")[2].strip() or weights.DEFAULT
    if name.lower().endswith(".gguf") or "/" in name or "\\" in name:
        path = Path(name).expanduser()
        return LocalClient(f"local:{path.name}@{_fingerprint(path)}", lambda _: path)
    entry = weights.entry(name)
    return LocalClient(entry.model, lambda progress: weights.ensure(entry.name, progress))


class LocalClient(Client):
    """Weights on this machine, fetched if need be and loaded at the first call; one engine for all clients of a file.

    Args:
        model: the name that goes into requests and the journal.
        find: returns the file; may take its time.

    Attributes:
        progress: told how far fetching and loading are, from another thread; may be set before the first call.
    """

    max_n = server.SLOTS
    concurrency: int | None = server.SLOTS
    free = True

    def __init__(self, model: str, find: Callable[[weights.Progress], Path]) -> None:
        self.model = model
        self._find = find
        self._serving: SlotClient | None = None
        self._starting: asyncio.Task[None] | None = None

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """The draws, each with its own count of tokens. A prompt that needs longer slots gets them."""
        serving = await self._started()
        got: dict[int, Completion] = {}
        computed = 0
        while missing := [draw for draw in draws if draw not in got]:
            context = serving.server.context
            came, ahead = await serving.draw(request, missing)
            computed += ahead
            if any(_short(one, request) for one in came.values()) and await serving.grow(request, context):
                came = {draw: one for draw, one in came.items() if not _short(one, request)}
            got |= {draw: one for draw, one in came.items() if isinstance(one, Completion)}
            failures = [one for one in came.values() if not isinstance(one, Completion)]
            if failures:
                if draws[0] not in got:
                    raise failures[0]
                break
        whole = [got[draw] for draw in takewhile(got.__contains__, draws)]
        return [_accounted(one, computed if i == 0 else None) for i, one in enumerate(whole)]

    async def close(self) -> None:
        """Free the connections, and the engine if nobody else uses it."""
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(BaseException):
                await self._starting
            self._starting = None
        serving, self._serving = self._serving, None
        if serving is not None:
            await serving.close()
            await _in_thread(lambda: server.release(serving.server))

    async def _started(self) -> SlotClient:
        if self._serving is None:
            if self._starting is None or self._starting.done():
                self._starting = asyncio.ensure_future(self._start())
                self._starting.add_done_callback(lambda task: task.cancelled() or task.exception())  # seen by someone
            await asyncio.shield(self._starting)  # one caller that gives up does not stop it for the others
        assert self._serving is not None
        return self._serving

    async def _start(self) -> None:
        stopped = threading.Event()
        try:
            loaded = await _in_thread(lambda: self._load(stopped))
        except asyncio.CancelledError:
            stopped.set()
            raise
        self._serving = SlotClient(self.model, loaded)

    def _load(self, stopped: threading.Event) -> server.LlamaServer:
        def report(done: int, total: int, what: str, /) -> None:
            if stopped.is_set():
                raise _Stopped
            if self.progress is not None:
                self.progress(done, total, what)

        path = self._find(report)
        shared = server.acquire(path)
        try:
            report(0, 0, what := f"loading {self.model.partition('@')[0].partition(':')[2]}")
            shared.load()
            report(1, 1, what)
        except BaseException:
            server.release(shared)
            raise
        return shared


class _Stopped(BaseException):
    """Whoever wanted the model has gone."""


def _short(one: Completion | BaseException, request: Request) -> bool:
    """Whether the context was too short: for the prompt, or for as long an answer as was allowed."""
    if isinstance(one, Completion):
        return one.truncated and one.usage.completion_tokens < request.max_tokens
    return isinstance(one, ContextOverflow)


def _accounted(one: Completion, computed: int | None) -> Completion:
    """The first draw carries the prompt; what was computed ahead for it did not come from a cache."""
    if computed is None:
        return replace(one, usage=replace(one.usage, prompt_tokens=0, cached_tokens=0))
    return replace(one, usage=replace(one.usage, cached_tokens=max(0, one.usage.cached_tokens - computed)))


def _fingerprint(path: Path) -> str:
    """Twelve hexadecimal digits of a file's size, first and last MiB: telling and quick."""
    try:
        with path.open("rb") as file:
            start = file.read(1 << 20)
            size = file.seek(0, 2)
            file.seek(max(0, size - (1 << 20)))
            end = file.read()
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file; `reasoning models list` shows what local:NAME can name") from None
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    if not start.startswith(b"GGUF"):
        raise WeightsError(f"{path} is not a GGUF file: a model in another format has to be converted first")
    return hashlib.sha256(str(size).encode() + start + end).hexdigest()[:12]


async def _in_thread(work: Callable[[], T]) -> T:
    """Wait for blocking work in a thread that, unlike a pool's, does not hold up the end of the process."""
    here = asyncio.get_running_loop()
    result: asyncio.Future[T] = here.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if result.done():
            return
        if error is None:
            result.set_result(value)  # type: ignore[arg-type]
        else:
            result.set_exception(error)

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended
            here.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, name="reasoning-local", daemon=True).start()
    return await result
