"""Examples as tokens, made by the engine that will serve the model: its chat template and its tokenizer.

A prompt that is rendered or tokenised in another way than at run time is the most common silent fault of training.
"""

from __future__ import annotations

import importlib.util
import json
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from reasoning.errors import InputError, UsageError
from reasoning.messages import Message
from reasoning.providers.torch.base_model import BaseFiles, convert_base, quiet_transformers
from reasoning.text_safety import escape_turn_marks
from reasoning.tuning.examples.example_file import TrainingExample

Engine = Literal["llama.cpp", "transformers"]


@dataclass(frozen=True)
class TokenizedExample:
    """One example as tokens.

    Attributes:
        group: examples of one group are all trained on, or all held out.
        prompt: the tokens up to where the reply begins.
        reply: the tokens of the reply, with the mark that ends it.
    """

    group: str
    prompt: tuple[int, ...]
    reply: tuple[int, ...]


@dataclass(frozen=True)
class Tokenizer:
    """The functions of an engine that turn text into tokens.

    Attributes:
        engine: the engine.
        prompt: renders chat turns by the model's template and returns the tokens up to the reply.
        text: returns the tokens of a plain text, in which no mark counts.
        end: the token that ends a reply.
        controls: the tokens that are marks, such as the begin of a turn.
    """

    engine: Engine
    prompt: Callable[[Sequence[Message]], list[int]]
    text: Callable[[str], list[int]]
    end: int
    controls: frozenset[int]


@contextmanager
def open_tokenizer(base: BaseFiles, served_by: str) -> Iterator[Tokenizer]:
    """Yield the tokenizer of the engine that serves, until the block ends.

    Args:
        base: the base model.
        served_by: what will serve the result; llama.cpp tokenises for all but "torch", if it is installed.
    """
    from transformers import AutoTokenizer

    folder = convert_base(base)
    with quiet_transformers():
        loaded = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if loaded.eos_token_id is None or loaded.chat_template is None:
        raise UsageError(f"{base.name} must have a chat template and a token that ends a reply; choose a chat model")
    marks = {number for number, token in loaded.added_tokens_decoder.items() if token.special}
    end, controls = int(loaded.eos_token_id), frozenset({*marks, *loaded.all_special_ids})
    if served_by == "torch" or importlib.util.find_spec("xllamacpp") is None:
        yield Tokenizer("transformers", lambda turns: _render(loaded, turns), _plain(loaded), end, controls)
        return
    from reasoning.providers.llama_cpp import server

    shared = server.acquire(base.gguf)
    try:
        shared.load()

        def post(path: str, body: dict[str, Any]) -> Any:
            headers = {"Authorization": f"Bearer {shared.key}", "Content-Type": "application/json"}
            request = urllib.request.Request(shared.address + path, json.dumps(body).encode(), headers)
            with _loopback.open(request, timeout=60) as response:
                return json.load(response)

        def prompt(turns: Sequence[Message]) -> list[int]:
            filled = post("/apply-template", {"messages": [turn._asdict() for turn in turns]})["prompt"]
            # As the server does it for a chat completion.
            return list(post("/tokenize", {"content": filled, "add_special": True, "parse_special": True})["tokens"])

        def text(content: str) -> list[int]:
            body = {"content": content, "add_special": False, "parse_special": False}
            return list(post("/tokenize", body)["tokens"])

        yield Tokenizer("llama.cpp", prompt, text, end, controls)
    finally:
        server.release(shared)


_loopback = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens addresses of this machine, for which the user's proxy must not be asked."""


def tokenize(
    examples: Sequence[TrainingExample], tokenizer: Tokenizer, max_tokens: int
) -> tuple[list[TokenizedExample], int]:
    """Return the examples as tokens, and the number of examples that are longer than `max_tokens`.

    Marks of chat turns within a message are escaped, as at run time: a file cannot add turns.

    Raises:
        InputError: no example is short enough.
    """
    made = []
    for example in examples:
        turns = [Message(role, escape_turn_marks(content)) for role, content in example.messages]
        reply = (*tokenizer.text(example.reply), tokenizer.end)
        prompt = tuple(tokenizer.prompt(turns))
        if len(prompt) + len(reply) <= max_tokens:
            made.append(TokenizedExample(example.group, prompt, reply))
    if not made:
        raise InputError(
            f"no example has at most {max_tokens:,} tokens, of {len(examples):,}; "
            "give shorter ones, or a larger --set max_tokens=N"
        )
    return made, len(examples) - len(made)


@dataclass(frozen=True)
class FrozenPrefix:
    """The begin of all prompts that an activated adapter leaves to the base model.

    Attributes:
        length: the number of tokens before the adapter is active.
        invocation: the tokens at which it becomes active: their last occurrence begins at `length`.
    """

    length: int
    invocation: tuple[int, ...]


def find_frozen_prefix(examples: Sequence[TokenizedExample], controls: frozenset[int]) -> FrozenPrefix:
    """Return the longest begin that all prompts share and that ends where the last turn begins.

    The adapter becomes active one token before the mark of the turn, since llama.cpp activates one token before the
    tokens that it is told; so both engines compute the same.

    Raises:
        UsageError: the prompts share no turn before the last one.
    """
    first = examples[0].prompt
    shared = next(
        (
            place
            for place, tokens in enumerate(zip(*(one.prompt for one in examples), strict=False))
            if len(set(tokens)) > 1
        ),
        min(len(one.prompt) for one in examples),
    )
    for start in (place for place in range(shared - 1, 1, -1) if first[place] in controls):
        # Up to the next mark or the end of what is shared; a header such as <|im_start|>user\n.
        stop = next((place for place in range(start + 1, shared) if first[place] in controls), shared)
        header = first[start:stop]
        for length in range(1, len(header) + 1):
            invocation = first[start - 1 : start + length]
            if all(last_occurrence(one.prompt, invocation[1:]) == start for one in examples):
                return FrozenPrefix(start - 1, invocation)
    raise UsageError(
        "alora needs prompts whose turns before the last one are equal for every input, and these share "
        f"{shared:,} tokens without such a turn; put instructions and examples into turns of their own "
        '(form = "markdown" with examples), or use --method lora'
    )


def try_frozen_prefix(examples: Sequence[TokenizedExample], controls: frozenset[int]) -> FrozenPrefix | None:
    """Return the begin that `alora` computes once; None if the prompts have none."""
    try:
        return find_frozen_prefix(examples, controls)
    except UsageError:
        return None


def last_occurrence(tokens: Sequence[int], part: Sequence[int]) -> int:
    """Return the place at which the last occurrence of `part` begins; -1 if it does not occur."""
    found = (
        place
        for place in range(len(tokens) - len(part), -1, -1)
        if tuple(tokens[place : place + len(part)]) == tuple(part)
    )
    return next(found, -1)


def _plain(tokenizer: Any) -> Callable[[str], list[int]]:
    return lambda text: list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


def _render(tokenizer: Any, turns: Sequence[Message]) -> list[int]:
    filled = tokenizer.apply_chat_template(
        [turn._asdict() for turn in turns], tokenize=False, add_generation_prompt=True
    )
    return list(tokenizer(filled, add_special_tokens=not filled.startswith(tokenizer.bos_token or "\0"))["input_ids"])
