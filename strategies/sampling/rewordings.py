"""Rewordings of a question in a reply: the list, and which of its items still ask the same."""

from __future__ import annotations

import re

from reasoning.kinds.answer_span import visible_text
from reasoning.strategies.reply_parsing import parse_items
from reasoning.strategies.sampling.paraphrase_matching import paraphrases, same_parameters

_LABEL = re.compile(r"[^\W\d_][^:?.!\d]{0,40}:\s+(?=\S)")
_NOTE = re.compile(r"\s*[(\[*_]{1,3}(?:answer|same|note|correct)\b[^()\[\]?]{0,80}[)\]*_]{1,3}\s*$", re.IGNORECASE)
_REQUEST = re.compile(
    r"(?:^|[.!;,:]\s+)(?:please,?\s+)?(?:calculate|compute|determine|figure out|find|work out|tell|say|state|name|give|"
    r"decide|identify|choose|explain|estimate|write)\b",
    re.IGNORECASE,
)


def parse_rewordings(text: str, question: str, alike: float) -> tuple[list[str], int]:
    """Return the rewordings in a reply that keep the parameters of a question, and the number that it proposes.

    A label ("Version 2:") and a note behind a wording ("(Answer: 67)") are removed. A wording of a
    question asks something itself, so a statement without its question is left out. Without a list, the
    lines of the reply count that share enough words with the question.

    Args:
        text: the reply.
        question: the question.
        alike: share of common words, from 0 to 1, for a reply without a list.
    """
    text = visible_text(text, None)
    items = parse_items(text, several_lines=True)
    proposed = items or paraphrases(question, map(_plain_line, text.splitlines()), alike)
    kept = (_kept(item, question) for item in proposed)
    return [wording for wording in kept if wording], len(proposed)


def _kept(item: str, question: str) -> str:
    """Return a wording without what a model writes around it, or an empty text if it does not ask the same."""
    asks = "?" in question
    return next(
        (
            wording
            for wording in _forms(item)
            if same_parameters(wording, question) and (not asks or "?" in wording or _REQUEST.search(wording))
        ),
        "",
    )


def _forms(item: str) -> list[str]:
    """Return an item without a note, then also without a label, then as it stands."""
    without_note = _NOTE.sub("", item)
    return [without_note, *([without_note[label.end() :]] if (label := _LABEL.match(without_note)) else []), item]


def _plain_line(line: str) -> str:
    return line.strip().strip('*_>"“”„ ')
