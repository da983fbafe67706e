"""An estimate of the number of tokens of a text, without a tokenizer."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reasoning.messages import Message

_PIECE = re.compile(r"[^\W\d_]+|\d{1,3}|[^\w\s]+|\n\s*|_")


def estimate_tokens(text: str) -> int:
    """Estimate the number of tokens of a text from its words, digits and punctuation.

    Against the tokenizer o200k, the estimate is within a sixth for English and code, and within a
    third for other languages in Latin letters.
    """
    return sum(map(_piece_tokens, _PIECE.findall(text)))


def estimate_turns(turns: Iterable[Message]) -> int:
    """Estimate the number of tokens of chat turns, without those that mark the turns; see `estimate_tokens`."""
    return sum(estimate_tokens(turn.content) for turn in turns)


def _piece_tokens(piece: str) -> int:
    if piece[0].isalpha():
        return 1 + (len(piece) - 1) // 8 + sum(letter > "\x7f" for letter in piece) // 2
    return 1 if piece[0].isdigit() else 1 + (len(piece) - 1) // 3
