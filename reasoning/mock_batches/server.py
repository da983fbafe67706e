"""A provider of batches for tests: a server on loopback, in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Literal, get_args

from reasoning.errors import UnknownName
from reasoning.mock_batches.anthropic_form import AnthropicForm
from reasoning.mock_batches.batches import MockBatches, Reply, sum_modulo_four
from reasoning.mock_batches.faults import BatchFaults
from reasoning.mock_batches.form import MockForm
from reasoning.mock_batches.gemini_form import GeminiForm
from reasoning.mock_batches.mistral_form import MistralForm
from reasoning.mock_batches.openai_form import OpenAIForm

if TYPE_CHECKING:
    from aiohttp import web

BatchForm = Literal["openai", "anthropic", "gemini", "mistral"]
"""The provider whose API a server has."""
_FORMS: dict[BatchForm, type[MockForm]] = {
    "openai": OpenAIForm,
    "anthropic": AnthropicForm,
    "gemini": GeminiForm,
    "mistral": MistralForm,
}


class MockBatchServer:
    """A server that answers batches after a while, in a thread of this process; use it as a context manager.

    Anthropic's form answers single messages too, and has the provider's cache of prompts.

    Args:
        form: the provider whose API it has: "openai", "anthropic", "gemini" or "mistral".
        reply: the replies; by default a number from 0 to 3 that depends on the prompt and the draw.
        seconds: the time that a batch takes, or a single message.
        faults: the faults.

    Attributes:
        base_url: the address: `base_url` of `connect` for OpenAI's form, ANTHROPIC_API_BASE, GEMINI_API_BASE or
            MISTRAL_API_BASE for the others.

    Raises:
        UnknownName: there is no such form.

    Examples:
        >>> from reasoning import connect
        >>> with MockBatchServer("openai") as server:
        ...     server.base_url.startswith("http://127.0.0.1:")
        True
    """

    def __init__(
        self,
        form: BatchForm = "openai",
        *,
        reply: Reply = sum_modulo_four,
        seconds: float = 0.0,
        faults: BatchFaults | None = None,
    ) -> None:
        if form not in _FORMS:
            raise UnknownName("form", form, get_args(BatchForm), "of a mock provider")
        self.form, self.faults = form, faults or BatchFaults()
        self.base_url = ""
        self._batches = MockBatches(reply, seconds, self.faults)
        self._form = _FORMS[form](self._batches)
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mock-batches", daemon=True)

    def __enter__(self) -> MockBatchServer:
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def paid(self) -> Counter[str]:
        """The times that each draw was processed and delivered, by the part of a line's id without the attempt."""
        return self._batches.paid

    @property
    def submitted(self) -> list[list[str]]:
        """The ids of the lines of each batch that was accepted."""
        return self._batches.submitted

    @property
    def tokens(self) -> Counter[str]:
        """The tokens that were charged, by the names of Anthropic's usage; only that form counts them."""
        return self._batches.tokens

    @property
    def batches(self) -> int:
        """The number of batches that were accepted."""
        return len(self.submitted)

    def _run(self) -> None:
        from aiohttp import web

        async def start() -> None:
            runner = self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self._form.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self.base_url = self._form.address + self._form.base_path
            self._started.set()

        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(start())
        self._loop.run_forever()
        self._loop.close()

    def _application(self) -> web.Application:
        from aiohttp import web

        application = web.Application(client_max_size=1 << 30)
        application.add_routes(self._form.routes())
        return application
