"""The client of `torch:` models: local weights in PyTorch, for adapters that llama.cpp cannot serve.

It is several times slower than llama.cpp, and has one request in progress at a time.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from reasoning.errors import SettingRefused, UsageError
from reasoning.images import Image
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.adapters import Adapter, split_model
from reasoning.providers.adapters import find as find_adapter
from reasoning.providers.client import NO_VISION, Client, LoadProgress
from reasoning.providers.daemon_thread import run_in_thread
from reasoning.providers.llama_cpp.base_weights import Base, find_base
from reasoning.providers.torch.base_model import LoadedBase, load_base
from reasoning.providers.torch.generation import GENERATOR

_KNOWN = frozenset(["temperature", "max_tokens", "top_p", "top_k", "stop", "seed"])


def torch_client(model: str) -> TorchClient:
    """Return the client of `torch`, `torch:NAME` or `torch:FILE.gguf`, each perhaps with `+ADAPTER`.

    Args:
        model: the model's name, with `torch` in front.

    Raises:
        UnknownName: the catalogue has no such name, or the base no such adapter.
        UsageError: there are several adapters, or one was trained for other weights.
        WeightsError: there is no such file, or it is not a GGUF file.
    """
    source, names = split_model(model)
    base = find_base(source)
    if len(names) > 1:
        raise UsageError(
            f"a torch: model takes one adapter, got {', '.join(names)}; use a local: model for several, or merge them "
            "with `reasoning tune merge`"
        )
    adapter = find_adapter(base.name, names[0]) if names else None
    if adapter and base.sha256:
        adapter.check_base(base.sha256)
    return TorchClient(source, base, adapter)


class TorchClient(Client):
    """A client of weights on this machine in PyTorch, which are converted and loaded at the first call.

    All clients of this process share one loaded model; see `Generator`.

    Args:
        source: the name without the adapter, such as `torch:smollm2-135m`.
        base: the weights.
        adapter: what was trained for them; None for the weights alone.
    """

    max_n = 8
    concurrency: int | None = 1
    free = True
    ignores_settings = True

    def __init__(self, source: str, base: Base, adapter: Adapter | None) -> None:
        stem, _, digest = base.model.partition("@")
        self.model = f"{stem}+{adapter.name}@{digest}+{adapter.sha256[:12]}" if adapter else base.model
        self.adapters = (adapter,) if adapter else ()
        self._source = source

    def find_image_problem(self, image: Image) -> str:
        return NO_VISION

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Return the draws, which are generated as one batch.

        Raises:
            SettingRefused: the request has a setting that this client does not know.
            ContextOverflow: the prompt is longer than the model's context.
        """
        sampling = dict(request.sampling)
        for name in sampling:
            if name not in _KNOWN and sampling[name] not in (None, False):
                raise SettingRefused(name, f"{self.model} knows the settings {', '.join(sorted(_KNOWN))}, got {name}")
        if isinstance(seed := sampling.get("seed"), int):
            sampling["seed"] = seed + draws[0]  # as other clients do: equal requests for other draws differ
        cancelled, started = threading.Event(), time.monotonic()
        try:
            replies, prompt_tokens = await run_in_thread(
                lambda: GENERATOR.generate(self.model, self._load, request.messages, sampling, len(draws), cancelled)
            )
        finally:
            cancelled.set()
        seconds = (time.monotonic() - started) / len(replies)
        return [
            Completion(
                reply.text,
                "length" if reply.is_cut else "stop",
                Usage(1, 0 if place else prompt_tokens, reply.tokens, seconds=seconds),
            )
            for place, reply in enumerate(replies)
        ]

    async def close(self) -> None:
        """Free the memory of the model, if it is loaded; another client of it loads it again."""
        await asyncio.to_thread(GENERATOR.free, self.model)

    def _load(self) -> LoadedBase:
        report: LoadProgress = self.progress or (lambda *_: None)
        named = self.model.partition("@")[0].partition(":")[2]
        report(0, 0, description := f"loading {named} in PyTorch, which is several times slower than llama.cpp")
        base = load_base(f"local:{self._source.partition(':')[2]}" if ":" in self._source else "local", report)
        for adapter in self.adapters:
            from reasoning.providers.torch.trained_weights import apply_trained

            adapter.check_base(base.sha256)
            adapter.verify()
            changed = apply_trained(base.model, adapter.peft, adapter.method, adapter.settings)
            base = replace(base, model=changed)
        report(1, 1, description)
        return base
