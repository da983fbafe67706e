"""Statements that replies write: one sentence, or reasons of one sentence each, without what chat models put around."""

from __future__ import annotations

import json
import re

from reasoning.kinds.answer_span import strip_think_tags
from reasoning.messages import Completion
from reasoning.retrieval.sentences import split_sentences
from reasoning.strategies.reply_parsing import drop_truncated_tail, json_objects, match_item_mark, plain_item

_LABEL = re.compile(
    r"[\s*_#>`]{0,6}(?:the |my )?(?:(?:negated|rewritten|opposite|declarative|final|corrected|edited|verif\w{2,6}) )?"
    r"(?:statement|negation|sentence|opposite|explanation|reason|because|answer|question|query|output|result)"
    r"(?: is| reads)?[\s*_`]{0,4}[:：][\s*_`]{0,4}",
    re.IGNORECASE,
)
_LABEL_FIRST = re.compile(
    r"(?:(?:(?:the|this) (?:statement|sentence|claim)|it) is (?:true|false)|(?:true|false))?[\s,.:*_]{0,6}"
    r"because\b[\s,:*_]{0,6}",
    re.IGNORECASE,
)
_CLAIMS = re.compile(r"(?:the (?:statement|sentence|answer) (?:claims|says|states|asserts) that|yes,)\s", re.IGNORECASE)
_FENCE = re.compile(r"[ \t]{0,8}(?:```|~~~)")
_CHATTER = re.compile(
    r"\W{0,4}(?:(?:sure|certainly|of course|okay|ok|great|absolutely)(?: thing)?[!,.:][\s*]{0,4})?"
    r"(?:here(?:['’]s| is| are)\b[^.!:\n]{0,80}[:：][\s*_]{0,4})?",
    re.IGNORECASE,
)
_HEADING = re.compile(r"\s{0,3}#{1,6}\s[^.!。]*$")
_COMMENT = re.compile(r"\W{0,4}(?:note|explanation|this (?:is|negat\w+|revers\w+)|i hope|let me know)\b", re.IGNORECASE)
_REPORTED = re.compile(
    r"(?:\bis|\bbe|\bbecomes|[:：])[\s:*_]{0,4}[\"“„«](?P<statement>[^\"“”„«»\n]{5,400})[\"“”»][.\s*_]{0,4}$"
)
"""A statement in quotes behind a sentence about it: 'The negation of "…" is "…".'"""
_MATH = re.compile(r"\\(?:text|textbf|mathrm|boxed)\{([^{}\n]{0,400})\}")
_OPEN = (":", "：", "?", "？")
"""The ends of a line that is an introduction or a question."""
_MAX_LINE = 1_600


def parse_statement(text: str) -> str:
    """Return the sentence that a reply writes, or "" if it writes none.

    Introductions ("Sure! …", "Here is …:"), labels ("Negation:"), list marks, fences, bold type,
    quotes and LaTeX around it are removed. The first text of a JSON object counts, or else the
    first line that is left and asks nothing.

    Examples:
        >>> parse_statement("Sure! Here is the negation:\\n\\n**Statement:** “Not all swans are white.”")
        'Not all swans are white.'
    """
    text = strip_think_tags(text)
    texts = [value for found in json_objects(text) for value in found.values() if isinstance(value, str)]
    lines = map(plain_item, texts or map(_content, text.splitlines()))
    return next((line for line in lines if any(map(str.isalnum, line)) and not line.endswith(_OPEN)), "")


def parse_reason(reply: Completion, statement: str) -> str:
    """Return the reason that a reply gives for a statement's label, as one sentence; "" if it gives none.

    "This statement is true, because" before it is removed. Only the first sentence counts, since
    later ones rely on it ("This means …"). A sentence that was cut off, and one that repeats the
    statement, are no reasons.

    Args:
        reply: the reply.
        statement: the statement for which the reason is given.
    """
    line = parse_statement(drop_truncated_tail(reply))
    if match := _LABEL_FIRST.match(line):
        line = line[match.end() :]
    sentence = next(iter(split_sentences(line)), "")
    if " " not in sentence or key_of(sentence) == key_of(statement):
        return ""
    ends = sentence.rstrip("\"'”’)").endswith((".", "!", "。"))
    return sentence[0].upper() + sentence[1:] + ("" if ends else ".")


def negated(statement: str, reply: str) -> str:
    """Return the negation that a reply writes, or "It is not true that …" if it writes none or the statement itself."""
    negation = parse_statement(reply)
    if negation and key_of(negation) != key_of(statement):
        return negation
    return f"It is not true that {json.dumps(statement.rstrip('.'), ensure_ascii=False)}."


def _content(line: str) -> str:
    """Return a line without a list mark, a fence, an introduction and a label."""
    if _FENCE.match(line) or _HEADING.match(line) or _COMMENT.match(line):
        return ""
    line = line.strip()[:_MAX_LINE]
    if (chatter := _CHATTER.match(line)) and any(map(str.isalpha, chatter[0])):
        line = line[chatter.end() :].strip()
    if mark := match_item_mark(line):
        line = line[mark.end() :]
    if label := _LABEL.match(line):
        line = line[label.end() :]
    if claims := _CLAIMS.match(line):
        line = line[claims.end() : claims.end() + 1].upper() + line[claims.end() + 1 :]
    if reported := _REPORTED.search(line):
        return reported["statement"]
    return _MATH.sub(r"\1", line).strip(" \t$|`")


def key_of(text: str) -> str:
    """Return a statement without case and punctuation, for comparison."""
    return re.sub(r"\W+", " ", text.casefold()).strip()
