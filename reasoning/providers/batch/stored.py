"""A batch and its lines, as the store of a journal keeps them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class StoredBatch:
    """A batch.

    Attributes:
        id: its number here.
        label: the label by which the provider's list knows it.
        api, model, endpoint: the API, the model and the endpoint, empty for the provider's own.
        state: "intended" (perhaps submitted), "sent", "ended", or "cancelled".
        remote: the provider's id; empty until it is known.
        is_found: whether the id was found in the provider's list, which does not say that it is ours.
        not_ours: ids that were found, and turned out to be of another program.
        lines, tokens: the number of lines, and the estimated tokens of their prompts.
        created: the time of the submission, in seconds since 1970.
    """

    id: int
    label: str
    api: str
    model: str
    endpoint: str
    state: str
    remote: str
    is_found: bool
    not_ours: tuple[str, ...]
    lines: int
    tokens: int
    created: float


@dataclass(frozen=True)
class StoredLine:
    """A line of a batch: the draws `draw` to `draw + n - 1` of one request.

    Attributes:
        custom_id: its id.
        batch: the number of its batch.
        key: the key of the request.
        draw, n: the index of the first draw, and the number of draws.
        attempt: the number of earlier lines for these draws, which failed.
        tools: whether the request had tools.
        state: "sent", "done" or "failed".
        reply: the response as JSON; None until it is done.
    """

    custom_id: str
    batch: int
    key: str
    draw: int
    n: int
    attempt: int
    tools: bool
    state: str
    reply: str | None


def forget_command(batch: StoredBatch) -> str:
    """Return the command that gives up a batch which its provider does not have, for a message."""
    return f"`reasoning batch cancel {batch.id} --forget`"


def to_batch(row: sqlite3.Row) -> StoredBatch:
    """Return the batch of a row."""
    return StoredBatch(
        row["id"],
        row["label"],
        row["api"],
        row["model"],
        row["endpoint"],
        row["state"],
        row["remote"],
        bool(row["is_found"]),
        tuple(json.loads(row["not_ours"])),
        row["lines"],
        row["tokens"],
        row["created"],
    )


def to_line(row: sqlite3.Row) -> StoredLine:
    """Return the line of a row."""
    custom_id, batch, key, draw, n = (row[name] for name in ("custom_id", "batch", "key", "draw", "n"))
    return StoredLine(custom_id, batch, key, draw, n, row["attempt"], bool(row["tools"]), row["state"], row["reply"])
