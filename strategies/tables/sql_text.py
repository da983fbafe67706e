"""SQL in replies: its tokens and its statements."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_CHARS = 10_000
"""The length of the longest program that is read."""
_TOKEN = re.compile(
    r"""(?P<text>'(?:[^']|'')*+') | (?P<double>"(?:[^"]|"")*+") | (?P<quoted>`(?:[^`]|``)*+`|\[[^\[\]\n]*+\])
      | (?P<comment>--[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?) | (?P<space>\s++) | (?P<word>[^\W\d]\w*+)
      | (?P<number>\d++(?:\.\d++)?) | (?P<mark><>|!=|<=|>=|==|\|\||.)""",
    re.VERBOSE | re.DOTALL,
)
_FENCE = re.compile(r"```[ \t]{0,9}(\w{0,20})[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)
_START = re.compile(
    r"(?<![\w`\"'@])(?:SELECT\b|WITH\s++\w++\s++AS\b|QA\s?\()"
    r"|(?:(?<=[:`])|^)[ \t*>-]{0,4}(?:\d{1,2}[.):][ \t*]{0,3})?(?i:(?P<any>SELECT\b|WITH\s++\w++\s++AS\b|QA\s?\())",
    re.MULTILINE,
)
"""The beginning of a query: in upper case anywhere, else at the beginning of a line, after a colon or a backtick."""
_TICK = re.compile(r"`(?=([\s.,;:!?)*]|\Z)?)")
_PROSE = re.compile(
    r"\n\s*\n|\n(?=[ \t]*(?:#|\*\*|(?:This|The|It|Here|Note|Explanation|We|In|SQL|Question|Answer)\b|\d{1,2}[.):] ))"
)
"""A place where a query without a semicolon ends: an empty line, or a line that begins in words."""


class SQLToken(NamedTuple):
    """A token of a query.

    Attributes:
        kind: "text" in single quotes, "double" in double quotes, "quoted" as a name, "word",
            "number", "space", "comment" or "mark".
        source: the token as it is written.
    """

    kind: str
    source: str

    @property
    def content(self) -> str:
        """The token without its quotes, with doubled quotes undone."""
        if self.kind not in ("text", "double", "quoted"):
            return self.source
        quote = self.source[-1]
        return self.source[1:-1].replace(quote * 2, quote)


def tokens(sql: str) -> list[SQLToken]:
    """Return the tokens of a query; joined, they are the query."""
    return [SQLToken(match.lastgroup or "mark", match[0]) for match in _TOKEN.finditer(sql)]


def sql_statements(reply: str) -> list[str]:
    """Return the queries of a reply, in order: those in fences, else those in its text.

    A query ends at a semicolon, an empty line or a line in words. Queries of more than 10,000
    characters are left out.

    Examples:
        >>> sql_statements("Sure!\\n1. SELECT 1 FROM w; 2. SELECT 2\\nFROM w\\n\\nThese count.")
        ['SELECT 1 FROM w', 'SELECT 2\\nFROM w']
    """
    fenced = [body for language, body in _FENCE.findall(reply) if _START.search(body)]
    found = []
    for text in fenced or [reply]:
        at = 0
        while match := _START.search(text, at):
            source, at = _statement(text, match.start("any") if match["any"] else match.start())
            if len(source) <= MAX_CHARS:
                found.append(source)
    return found


def _statement(text: str, start: int) -> tuple[str, int]:
    """Return the query that begins at a place, and the place after it."""
    limit = min(len(text), start + MAX_CHARS + 1)
    if text[start - 1 : start] == "`":
        # The query is code within a line. A backtick ends it, unless it is one of a pair around a name.
        ends = (
            match.start()
            for number, match in enumerate(_TICK.finditer(text, start, limit))
            if number % 2 == 0 and match[1]
        )
        limit = next(ends, limit)
    at = start
    for match in _TOKEN.finditer(text, start, limit):
        if match.lastgroup == "mark" and match[0] in (";", "`"):
            # A semicolon within QA("…"; …) separates the question.
            if match[0] == "`" or _is_closed(text[start : match.start()]):
                return text[start : match.start()].strip(), match.end()
        elif match.lastgroup == "space" and (end := _PROSE.match(text, match.start())):
            return text[start : match.start()].strip(), end.end()
        at = match.end()
    return text[start:at].strip(), max(at, start + 1)


def _is_closed(text: str) -> bool:
    marks = [match[0] for match in _TOKEN.finditer(text) if match.lastgroup == "mark"]
    return marks.count("(") <= marks.count(")")
