"""Tokens a second of a local model in this library, in its llama.cpp server, and in llama.cpp's own benchmark.

    PYTHONPATH=scripts .venv/bin/python -m perf.local_decoding --bench FILE --rounds 3

FILE is `llama-batched-bench`, compiled from the sources of the installed xllamacpp with the same flags (its target of
that name in `thirdparty/llama.cpp`). As many replies as the model has slots are written at once, all to their limit,
once short and once long. The rate of decoding is that of the tokens between, so it has no part of the prompts; the
whole rate is that of the long replies with their prompts, which have equal lengths in all three. The benchmark takes
random tokens, so it does neither sampling nor text. The three take turns, since other programs slow all of them down.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp

import reasoning as r
from reasoning.messages import Conversation, Message, Usage
from reasoning.providers.llama_cpp import server
from reasoning.providers.llama_cpp.base_weights import find_base

SHORT = 16
"""The completion tokens of a short reply."""
LEAST = 0.97
"""The share of the tokens that must be written, since some replies end by themselves."""
_number = itertools.count()


def prompts(count: int) -> list[str]:
    """Return prompts that no earlier call had, of about equal length, whose replies are long."""
    return [f"Write all numbers from {next(_number) + 1000} to 9999, one after the other." for _ in range(count)]


def count_tokens(usages: Sequence[Usage], tokens: int) -> int:
    """Return the completion tokens.

    Raises:
        SystemExit: replies ended before their limit, and the others then had the processor for themselves.
    """
    written = sum(usage.completion_tokens for usage in usages)
    if written < LEAST * len(usages) * tokens:
        raise SystemExit(f"{written} of {len(usages) * tokens} tokens were written; take shorter replies with --tokens")
    return written


def time_library(model: str, tokens: int, slots: int) -> tuple[float, int, int]:
    """Return the seconds and tokens of this library, and the prompt tokens of a request."""

    async def run() -> tuple[float, int, int]:
        llm = r.connect(model, journal=False, temperature=0.0, max_tokens=tokens)

        async def draw(text: str) -> Usage:
            [reply] = await llm.draw(llm.request(Conversation((Message("user", text),)), {}), [0])
            return reply.usage

        await draw("Hello")  # loads the weights
        began = time.perf_counter()
        usages = await asyncio.gather(*map(draw, prompts(slots)))
        seconds = time.perf_counter() - began
        await llm.aclose()
        prompt = round(statistics.mean(usage.prompt_tokens for usage in usages))
        return seconds, count_tokens(usages, tokens), prompt

    return asyncio.run(run())


def time_server(path: Path, tokens: int, slots: int) -> tuple[float, int]:
    """Return the seconds and tokens of llama.cpp's server as this library starts it, asked by bare aiohttp."""

    async def run(running: server.LlamaServer) -> tuple[float, int]:
        headers = {"Authorization": f"Bearer {running.key}"}
        async with aiohttp.ClientSession(running.address, headers=headers) as session:

            async def ask(text: str) -> Usage:
                body = {"messages": [{"role": "user", "content": text}], "temperature": 0.0, "max_tokens": tokens}
                async with session.post("/v1/chat/completions", json=body) as response:
                    used = (await response.json())["usage"]
                return Usage(1, used["prompt_tokens"], used["completion_tokens"])

            await ask("Hello")
            began = time.perf_counter()
            usages = await asyncio.gather(*map(ask, prompts(slots)))
            seconds = time.perf_counter() - began
            return seconds, count_tokens(usages, tokens)

    running = server.acquire(path)
    running.load()
    try:
        return asyncio.run(run(running))
    finally:
        server.release(running)


def time_benchmark(bench: Path, path: Path, prompt: int, tokens: int, running: server.LlamaServer) -> tuple[float, int]:
    """Return the seconds and tokens of llama-batched-bench with the layout of a server."""
    layout, slots = running.layout, running.slots.count
    flash = {None: "auto", True: "on", False: "off"}[layout.flash_attention]
    shape = ["-npp", str(prompt), "-ntg", str(tokens), "-npl", str(slots), "-c", str(layout.context), "-fa", flash]
    threads = str(server.threads())
    command = [str(bench), "-m", str(path), *shape, "-t", threads, "-tb", threads, "--output-format", "jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    return row["t_pp"] + row["t_tg"], slots * tokens


def main() -> None:
    """Print the rates of each round, and the ratios of their medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True, help="llama-batched-bench")
    parser.add_argument("--model", default="local", help="a local model")
    parser.add_argument("--tokens", type=int, default=128, help="completion tokens of a long reply")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    path = find_base(given.model).find(lambda *_: None)
    layout = server.LlamaServer(path)
    slots = layout.slots.count
    *_, prompt = time_library(given.model, SHORT, slots)
    measures: dict[str, Callable[[int], tuple[float, int]]] = {
        "llama-batched-bench": lambda tokens: time_benchmark(given.bench, path, prompt, tokens, layout),
        "its server, bare aiohttp": lambda tokens: time_server(path, tokens, slots),
        "this library": lambda tokens: time_library(given.model, tokens, slots)[:2],
    }
    print(f"{path.name}, {slots} replies of {given.tokens} tokens at once, prompts of {prompt} tokens", flush=True)
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in measures}
    for number in range(given.rounds):
        for name in [*measures][number % 3 :] + [*measures][: number % 3]:
            (short, few), (long, many) = measures[name](SHORT), measures[name](given.tokens)
            decoding, whole = (many - few) / (long - short), many / long
            rates[name].append((decoding, whole))
            print(f"round {number}: {name}, decoding {decoding:.1f}, whole {whole:.1f} tokens a second", flush=True)
    best = _medians(rates["llama-batched-bench"])
    for name, rounds in rates.items():
        decoding, whole = _medians(rounds)
        print(f"{name}: decoding {decoding:.1f} ({decoding / best[0]:.2f}), whole {whole:.1f} ({whole / best[1]:.2f})")


def _medians(rounds: list[tuple[float, float]]) -> tuple[float, float]:
    decoding, whole = (statistics.median(values) for values in zip(*rounds, strict=True))
    return decoding, whole


if __name__ == "__main__":
    main()
