"""The forms in which models list spans of a text: mark-up in a copy, JSON, tables, and lists with labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reasoning.kinds.items import has_bullet, strip_bullet
from reasoning.kinds.json_repair import find_json
from reasoning.kinds.phrasing import strip_markup
from reasoning.kinds.span_source import Place, SourceText

_MAX_MENTIONS = 2_000
_MAX_LINES = 2_000
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]{0,40})([^<>]{0,200})>")
_ATTRIBUTE = re.compile(r"""(?:class|type|label|category|entity|tag|name)\s?=\s?["']?([\w -]{1,60})""", re.IGNORECASE)
_ENTITY = re.compile(r"&(lt|gt|amp|quot|#39);")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "#39": "'"}
# "[DVT](problem)", "[DVT]{problem}", "**DVT** (problem)", "**DVT** [problem]"
_BRACKETED = re.compile(
    r"(?:\[([^\[\]\n]{1,200})\]|\*\*([^*\n]{1,200})\*\*)[ ]?"
    r"(?:\(([\w -]{1,40})\)|\{([\w -]{1,40})\}|\[([\w -]{1,40})\])"
)
_OPENER = re.compile(r"[\[{]")
_TEXT_KEYS = ("text", "span", "entity", "mention", "phrase", "quote", "value", "word", "term", "name", "string")
_LABEL_KEYS = ("label", "type", "class", "category", "entitytype", "entitylabel", "tag", "kind", "entity")
_START_KEYS = ("start", "offset", "begin", "startoffset", "startchar", "startindex")
_SEPARATOR = re.compile(r"\s?(?::|=|→|->|=>)\s?|\s[-–—]\s")
_IN_BRACKETS = re.compile(r"(.{1,200}?)\s?[(\[]([\w -]{1,40})[)\]]\W{0,3}")
_RULE = re.compile(r"[|\s:+=-]+")
_PIECES = re.compile(r"[;,]|\band\b|\s/\s")
_NOTE = re.compile(r"\s(?:\([^()]{0,200}\)|[-–—]\s.{0,200})$")
NONE = re.compile(
    r"\W*(?:(?:there (?:are|is) )?(?:none|nothing|n/?a|no (?:\w+ ){0,3}(?:entities|spans|mentions|labels)"
    r"(?: (?:are|were) (?:found|present|mentioned|marked))?)(?: (?:found|present|mentioned|in (?:the|this) \w+))?)\W*"
    r"|[-–—]+",
    re.IGNORECASE,
)
"""The statement that no span was found, or only marks."""


class Mention(NamedTuple):
    """A text that a reply gives a label.

    Attributes:
        text: the text, as the reply quotes it.
        label: the label.
        near: the position that the reply states, which need not be right; None for none.
        nth: the number of earlier occurrences of the text in the reply's copy of the source.
    """

    text: str
    label: str
    near: int | None = None
    nth: int = 0


class Labels:
    """The labels by every form in which replies write them: "Problem", "PROBLEMS", "nervous AE"."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._by_form: dict[str, str] = {}
        for ending in ("", "s", "es"):
            for label in labels:
                self._by_form.setdefault(_form(label) + ending, label)

    def find(self, text: object) -> str | None:
        """Return the label that a text is; None for any other text."""
        return self._by_form.get(_form(text)) if isinstance(text, str) and len(text) <= 100 else None


def _form(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


class Markup(NamedTuple):
    """A text without its tags, and the places of the tagged parts with their labels. Nested ones are left out."""

    text: str
    places: list[Place]
    labels: list[str]


def read_markup(text: str, labels: Labels) -> Markup:
    """Return a text without tags, and what tags such as `<problem>` or `<span class="problem">` enclose."""
    text = _BRACKETED.sub(lambda match: _as_tag(match, labels), text)
    parts: list[str] = []
    length, at = 0, 0
    opened: list[tuple[str, str | None, int]] = []
    places: list[Place] = []
    found: list[str] = []
    for tag in _TAG.finditer(text):
        piece = _ENTITY.sub(lambda match: _ENTITIES[match[1]], text[at : tag.start()])
        parts.append(piece)
        length, at = length + len(piece), tag.end()
        name = tag[2].casefold()
        if not tag[1]:
            attribute = _ATTRIBUTE.search(tag[3])
            label = labels.find(tag[2]) or (labels.find(attribute[1]) if attribute else None)
            if not tag[3].endswith("/"):
                opened.append((name, label, length))
            continue
        # Only the last few: a tag that is never closed marks nothing.
        index = next((i for i in range(len(opened) - 1, max(-1, len(opened) - 9), -1) if opened[i][0] == name), None)
        if index is None:
            continue
        _, label, start = opened[index]
        del opened[index:]
        if label and length > start:
            while places and places[-1][0] >= start:
                places.pop()
                found.pop()
            places.append((start, length))
            found.append(label)
    parts.append(_ENTITY.sub(lambda match: _ENTITIES[match[1]], text[at:]))
    return Markup("".join(parts), places, found)


def _as_tag(match: re.Match[str], labels: Labels) -> str:
    label = labels.find(match[3] or match[4] or match[5])
    return f'<span class="{label}">{match[1] or match[2]}</span>' if label else match[0]


def mentions_in(markup: Markup) -> list[Mention]:
    """Return the tagged texts, each with the number of its earlier occurrences."""
    source = SourceText(markup.text)
    mentions = []
    for (start, end), label in zip(markup.places[:_MAX_MENTIONS], markup.labels, strict=False):
        text = markup.text[start:end]
        mentions.append(Mention(text, label, nth=sum(place[0] < start for place in source.find(text))))
    return mentions


def read_json(text: str, labels: Labels) -> list[Mention] | None:
    """Return the mentions of the last JSON value that lists spans; None without one."""
    found: list[Mention] | None = None
    for candidate in find_json(text, _OPENER):
        if not candidate.error:
            mentions = list(_mentions(candidate.value, labels, 0))
            if mentions or _is_empty(candidate.value, labels):
                found = mentions[:_MAX_MENTIONS]
    return found


def _mentions(value: Any, labels: Labels, depth: int) -> Iterator[Mention]:
    if isinstance(value, list) and depth < 6:
        texts = [one for one in value if isinstance(one, str)]
        # ["DVT", "problem"], also with offsets
        if len(texts) == 2 and (pair := _pair(texts, labels)):
            yield pair
        else:
            for one in value:
                yield from _mentions(one, labels, depth + 1)
    if not isinstance(value, Mapping) or depth >= 6:
        return
    fields = {_form(key): item for key, item in value.items() if isinstance(key, str)}
    label = next((found for key in _LABEL_KEYS if (found := labels.find(fields.get(key)))), None)
    quoted = next((fields[key] for key in _TEXT_KEYS if isinstance(fields.get(key), str)), None)
    if label and quoted is not None:
        start = next((fields[key] for key in _START_KEYS if type(fields.get(key)) is int), None)
        yield Mention(quoted, label, start)
        return
    for key, item in value.items():
        if label := labels.find(key):
            for one in item if isinstance(item, list) else [item]:
                inner = one if isinstance(one, str) else None
                if isinstance(one, Mapping):
                    inner = next((one[name] for name in one if _form(name) in _TEXT_KEYS), None)
                if isinstance(inner, str) and not NONE.fullmatch(inner):
                    yield Mention(inner, label)
        elif label := labels.find(item):
            yield Mention(key, label)
        elif isinstance(item, list | Mapping):
            yield from _mentions(item, labels, depth + 1)


def _pair(texts: Sequence[str], labels: Labels) -> Mention | None:
    for text, other in (texts, texts[::-1]):
        if label := labels.find(other):
            return Mention(text, label)
    return None


def _is_empty(value: Any, labels: Labels) -> bool:
    """Return whether a JSON value lists no spans: [], {"problem": []}, {"entities": []}."""
    if isinstance(value, list):
        return not value
    items = value.items() if isinstance(value, Mapping) else ()
    return bool(items) and all(item in ([], None, "") for _, item in items)


def read_lines(text: str, labels: Labels, source: SourceText) -> list[Mention] | None:
    """Return the mentions of a table or a list: rows, "label: texts", "text: label", or texts below a label.

    Empty if the lines say that no span was found; None if they say nothing about the labels.
    """
    mentions: list[Mention] = []
    says_none = False
    heading: str | None = None
    columns: list[str | None] = []
    for line in text.split("\n")[:_MAX_LINES]:
        cells = [strip_markup(cell) for cell in line.strip().strip("|").split("|")]
        if "|" in line and len(cells) > 1:
            if _RULE.fullmatch(line):
                continue
            found = [labels.find(cell) for cell in cells]
            if sum(label is not None for label in found) > 1:
                columns = found
            elif any(found):
                named = next(label for label in found if label)
                others = [cell for cell, label in zip(cells, found, strict=True) if not label]
                quoted = next(filter(source.find, others), others[0])
                mentions += (Mention(one, named) for one in _texts(quoted, source))
            elif columns and len(cells) == len(columns):
                for column, cell in zip(columns, cells, strict=True):
                    mentions += (Mention(one, column) for one in _texts(cell, source) if column)
            continue
        content = strip_bullet(line.strip())
        if not content:
            continue
        if label := labels.find(content):
            heading = label
        elif (pair := _labelled(content, labels)) is not None:
            label, quoted = pair
            heading = heading if quoted else label
            says_none |= NONE.fullmatch(quoted) is not None
            mentions += (Mention(one, label) for one in _texts(quoted, source))
        elif heading and (has_bullet(line.strip()) or source.find(content) or NONE.fullmatch(content)):
            says_none |= NONE.fullmatch(content) is not None
            mentions += (Mention(one, heading) for one in _texts(content, source))
        else:
            heading = None
    return mentions[:_MAX_MENTIONS] if mentions or says_none else None


def _labelled(content: str, labels: Labels) -> tuple[str, str] | None:
    """Return label and text of "label: text", "text: label", "text (label)" and the like."""
    if match := _SEPARATOR.search(content):
        if label := labels.find(content[: match.start()]):
            return label, content[match.end() :]
        last = [*_SEPARATOR.finditer(content)][-1]
        if label := labels.find(content[last.end() :]):
            return label, content[: last.start()]
    if (match := _IN_BRACKETS.fullmatch(content)) and (label := labels.find(match[2])):
        return label, match[1]
    return None


def _texts(quoted: str, source: SourceText) -> list[str]:
    """Return the texts of a line: one if the source has it, otherwise what commas, semicolons or "and" separate."""
    quoted = strip_markup(quoted)
    if NONE.fullmatch(quoted):
        return []
    if source.find(quoted):
        return [quoted]
    if source.find(bare := _NOTE.sub("", quoted)):
        return [bare]
    pieces = [strip_markup(piece) for piece in _PIECES.split(quoted.strip("[]()"))]
    return [piece for piece in pieces if piece] if any(map(source.find, pieces)) else [quoted]
