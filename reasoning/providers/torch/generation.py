"""Replies of a model in PyTorch: one model for the whole process, and one call at a time."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reasoning.errors import ContextOverflow, UsageError
from reasoning.messages import Message
from reasoning.providers.llama_cpp import server
from reasoning.providers.openmp import short_waits
from reasoning.providers.torch.base_model import LoadedBase, check_installed

_DEFAULTS: dict[str, Any] = {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "seed": None}
_MIN_P = 0.05
"""The settings where a request states none: those of llama.cpp. `min_p` is a share of the likeliest token."""
_END_MARKS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<end_of_turn>", "</s>")
"""The marks that end a reply in llama.cpp, too, whichever of them the model states."""


@dataclass(frozen=True)
class Reply:
    """A generated reply.

    Attributes:
        text: the text, up to a stop text.
        tokens: the number of generated tokens, with the mark that ends a reply.
        is_cut: whether `max_tokens` ended it.
    """

    text: str
    tokens: int
    is_cut: bool


class Generator:
    """The model that this process has loaded in PyTorch, used by one call at a time.

    Another model takes its place: the time to load one is short compared with that of a reply, and two may not fit
    into the memory.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._name = ""
        self._loaded: LoadedBase | None = None
        self._unusable = False

    def generate(
        self,
        name: str,
        load: Callable[[], LoadedBase],
        turns: Sequence[Message],
        sampling: dict[str, Any],
        count: int,
        cancelled: threading.Event,
    ) -> tuple[list[Reply], int]:
        """Return replies to a prompt, and the number of its tokens.

        Args:
            name: the name of the model.
            load: loads it, if it is not the one that is loaded.
            turns: the turns of the chat.
            sampling: the sampling parameters; those of llama.cpp where one is missing.
            count: the number of replies.
            cancelled: ends the generation when it is set.

        Raises:
            MissingExtra: the `training` extra is not installed.
            ContextOverflow: the prompt is longer than the model's context.
            UsageError: this process was forked from one that had used PyTorch.
        """
        if self._unusable:
            # PyTorch computes with threads of OpenMP, which hang in a forked process.
            raise UsageError(
                "a torch: model cannot be used in a process that was forked after its parent has loaded PyTorch: "
                "start processes with multiprocessing.get_context('spawn')"
            )
        with self._lock:
            if self._name != name:
                self._name, self._loaded = "", None
                check_installed()
                with short_waits():
                    import torch

                    torch.set_num_threads(server.threads())
                self._loaded = load()
                self._name = name
            assert self._loaded is not None
            return _generate(self._loaded, turns, sampling, count, cancelled)

    def free(self, name: str) -> None:
        """Free the memory of a model, if it is the one that is loaded."""
        with self._lock:
            if self._name == name:
                self._name, self._loaded = "", None

    def reset_after_fork(self) -> None:
        """Leave the model to the parent process."""
        self._lock = threading.Lock()
        self._unusable = "torch" in sys.modules


GENERATOR = Generator()
"""The generator of this process."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=GENERATOR.reset_after_fork)


def _generate(
    base: LoadedBase, turns: Sequence[Message], sampling: dict[str, Any], count: int, cancelled: threading.Event
) -> tuple[list[Reply], int]:
    import torch

    tokenizer, model = base.tokenizer, base.model
    text = tokenizer.apply_chat_template([turn._asdict() for turn in turns], tokenize=False, add_generation_prompt=True)
    # A template that begins with the mark of the begin needs no second one.
    begins = bool(tokenizer.bos_token) and text.startswith(tokenizer.bos_token)
    prompt = tokenizer(text, return_tensors="pt", add_special_tokens=not begins)["input_ids"]
    length = prompt.shape[1]
    with torch.inference_mode():
        cache = compute_added_positions(model, count)
    added = 0 if cache is None else int(cache.get_seq_length())
    context = int(model.config.max_position_embeddings) - added
    if length >= context:
        raise ContextOverflow(
            f"the prompt has {length:,} tokens and the model holds {context:,} together with the answer: shorten it"
        )
    settings = {**_DEFAULTS, **{name: value for name, value in sampling.items() if value is not None}}
    stops = [settings["stop"]] if isinstance(settings.get("stop"), str) else list(settings.get("stop") or ())
    limit = min(int(settings.get("max_tokens") or context), context - length)
    how: dict[str, Any] = {"do_sample": False}
    if settings["temperature"] > 0:
        how = {"do_sample": True, "min_p": _MIN_P} | {
            name: settings[name] for name in ("temperature", "top_p", "top_k")
        }
    if cache is not None:
        # transformers passes over as many tokens as the cache has, whatever they are.
        prompt, model, how["cache"] = torch.nn.functional.pad(prompt, (added, 0)), model.get_base_model(), cache
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(int.from_bytes(os.urandom(8), "big") >> 1 if settings["seed"] is None else settings["seed"])
        generated = model.generate(
            input_ids=prompt.repeat(count, 1),
            attention_mask=torch.ones_like(prompt).repeat(count, 1),
            max_new_tokens=limit,
            stopping_criteria=[_Stop(tokenizer, added + length, stops, cancelled)],
            pad_token_id=tokenizer.eos_token_id,
            eos_token_id=_ends(base),
            **how,
        )
    return [_read(base, row[added + length :].tolist(), stops, limit) for row in generated], length


def compute_added_positions(model: Any, count: int) -> Any:
    """Return the cache of the positions that a prefix or soft prompts add before a prompt; None for other models.

    The `generate` of peft 0.21 does not work with transformers 5.24: its prefix is ignored next to the cache that
    transformers makes, and its soft prompts are added again before each new token.

    Args:
        model: the model.
        count: the number of replies.
    """
    import torch

    if not hasattr(model, "peft_config") or not model.active_peft_config.is_prompt_learning:
        return None
    found = model.get_prompt(count)
    if isinstance(found, torch.Tensor):
        return model.get_base_model()(inputs_embeds=found, use_cache=True).cache
    return found


def _read(base: LoadedBase, tokens: list[int], stops: Sequence[str], limit: int) -> Reply:
    ends = _ends(base)
    end = next((place for place, token in enumerate(tokens) if token in ends), None)
    text = _decode(base.tokenizer, tokens[:end])
    found = [place for stop in stops if (place := text.find(stop)) >= 0]
    count = len(tokens) if end is None else end + 1
    return Reply(text[: min(found, default=len(text))], count, end is None and not found and len(tokens) >= limit)


def _ends(base: LoadedBase) -> list[int]:
    """Return the tokens that end a reply."""
    stated = base.model.generation_config.eos_token_id
    ends = {base.tokenizer.eos_token_id, *(stated if isinstance(stated, list) else [stated])}
    marks = base.tokenizer.get_added_vocab()
    return sorted(
        {token for token in ends if token is not None} | {marks[mark] for mark in _END_MARKS if mark in marks}
    )


def _decode(tokenizer: Any, tokens: Sequence[int]) -> str:
    text: str = tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text


class _Stop:
    """Ends the rows of a batch at a stop text, and all of them when the call is cancelled."""

    def __init__(self, tokenizer: Any, length: int, stops: Sequence[str], cancelled: threading.Event) -> None:
        self._tokenizer, self._length, self._stops, self._cancelled = tokenizer, length, stops, cancelled
        # A token has at least a byte, so that no stop text has more tokens.
        self._tail = max((len(stop.encode()) for stop in stops), default=0) + 1

    def __call__(self, tokens: Any, scores: Any, **_: Any) -> Any:
        import torch

        if self._cancelled.is_set() or not self._stops:
            return torch.full((tokens.shape[0],), self._cancelled.is_set(), dtype=torch.bool)
        tails = (_decode(self._tokenizer, row[self._length :][-self._tail :].tolist()) for row in tokens)
        return torch.tensor([any(stop in tail for stop in self._stops) for tail in tails])
