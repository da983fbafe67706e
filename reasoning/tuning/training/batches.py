"""Examples divided into training and held-out ones, ordered by a seed, and padded to batches."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from reasoning.errors import InputError
from reasoning.tuning.training.tokens import TokenizedExample

MULTIPLE = 8
"""Lengths are padded to multiples of this, so that the allocator can use freed memory again: without it the peak of a
training of smollm2-135m rose from 1.9 to 3.2 GB."""
MAX_HELD_OUT = 64
"""The most held-out examples: each evaluation computes all of them."""


def split(
    examples: Sequence[TokenizedExample], held_out: float, seed: int
) -> tuple[list[TokenizedExample], list[TokenizedExample]]:
    """Return the examples to train on and the held-out ones. A group is never divided between them.

    Args:
        examples: all examples.
        held_out: the share of examples to hold out, at most `MAX_HELD_OUT` of them; 0 holds out none.
        seed: the seed of the choice among groups.

    Raises:
        InputError: no example would be left to train on.
    """
    groups: dict[str, list[TokenizedExample]] = {}
    for example in examples:
        groups.setdefault(example.group, []).append(example)
    # By a hash and not by place, so that further examples do not exchange the held-out ones for others.
    ordered = sorted(groups, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    wanted = min(round(held_out * len(examples)), MAX_HELD_OUT)
    if held_out and not wanted:
        wanted = 1
    held: list[TokenizedExample] = []
    chosen: set[str] = set()
    for group in ordered:
        # The first group may be larger than wanted.
        if len(held) < wanted and (not held or len(held) + len(groups[group]) <= wanted):
            held += groups[group]
            chosen.add(group)
    train = [example for example in examples if example.group not in chosen]
    if not train:
        raise InputError(
            f"examples must have at least 2 groups to hold one out, got {len(groups)}; give more, or --held-out 0"
        )
    return train, held


def order(number: int, size: int, step: int, seed: int) -> list[int]:
    """Return the places of the examples of a step. Each epoch has all examples once, in an order of its own.

    It depends on the step alone, so that a resumed training sees what an uninterrupted one would have seen.

    Args:
        number: the number of examples.
        size: the examples of a step.
        step: the step, from 0.
        seed: the seed of the orders.
    """
    places = []
    for position in range(step * size, (step + 1) * size):
        epoch, place = divmod(position, number)
        shuffled = list(range(number))
        random.Random(f"{seed}:{epoch}").shuffle(shuffled)
        places.append(shuffled[place])
    return places


@dataclass(frozen=True)
class Batch:
    """Examples as one tensor.

    Attributes:
        tokens: the tokens, padded at the end, of shape (examples, length). Causal attention needs no mask for these.
        rows, columns: the places whose next token is one of the reply, in the order of `targets`.
        targets: the tokens of all replies, one after the other.
        lengths: the number of tokens of each reply.
    """

    tokens: Any
    rows: Any
    columns: Any
    targets: Any
    lengths: tuple[int, ...]


def make_batch(examples: Sequence[TokenizedExample], skip: int = 0) -> Batch:
    """Return examples as one batch.

    Args:
        examples: the examples.
        skip: the first tokens of each prompt that are left out, since they are computed before.
    """
    longest = max(len(one.prompt) + len(one.reply) for one in examples) - skip
    length = -(-longest // MULTIPLE) * MULTIPLE
    tokens = torch.zeros((len(examples), length), dtype=torch.long)
    rows, columns = list[int](), list[int]()
    for row, one in enumerate(examples):
        line = (*one.prompt, *one.reply)[skip:]
        tokens[row, : len(line)] = torch.tensor(line)
        begin = len(one.prompt) - skip - 1
        rows += [row] * len(one.reply)
        columns += range(begin, begin + len(one.reply))
    targets = torch.tensor([token for one in examples for token in one.reply])
    lengths = tuple(len(one.reply) for one in examples)
    return Batch(tokens, torch.tensor(rows), torch.tensor(columns), targets, lengths)
