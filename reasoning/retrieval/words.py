"""Words of a text for lexical search, in any language."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Scripts without spaces between words: Thai, Lao, Burmese, Khmer, kana and Chinese characters."""
_LANGUAGES = (
    "EN_PLUS",
    "GERMAN",
    "FRENCH",
    "SPANISH",
    "ITALIAN",
    "PORTUGUESE",
    "DUTCH",
    "SWEDISH",
    "NORWEGIAN",
    "DANISH",
)
"""The stop lists of bm25s that are used. English is first, since it is taken if several fit equally well."""


def words(text: str) -> list[str]:
    """Return the words of a text as they are compared: in lower case, longer ones without the s of a plural.

    Text in a script without spaces becomes its pairs of neighbouring characters.

    Examples:
        >>> words("The herons' straße, 1931")
        ['the', 'heron', 'strasse', '1931']
        >>> words("東京タワー")
        ['東京', '京タ', 'タワ', 'ワー']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    found: list[str] = []
    for word in _WORD.findall(text.casefold()):
        if word.isascii() or not _UNSPACED.search(word):
            found.append(word[:-1] if len(word) > 4 and word.endswith("s") else word)
        else:
            found += _split_unspaced(word)
    return found


def query_words(query: str) -> list[str]:
    """Return the words to search for: those of a query without the stop words of its language.

    A query of stop words only keeps them.

    Examples:
        >>> query_words("Where does the heron sleep?"), query_words("Wo schläft der Reiher?"), query_words("to be")
        (['heron', 'sleep'], ['schläft', 'reiher'], ['to', 'be'])
    """
    found = words(query)
    stop_words = max(_stop_words(), key=lambda listed: sum(word in listed for word in found))
    return [word for word in found if word not in stop_words] or found


def _split_unspaced(word: str) -> list[str]:
    parts: list[str] = []
    end = 0
    for match in _UNSPACED.finditer(word):
        parts += [word[end : match.start()]] if match.start() > end else []
        run, end = match[0], match.end()
        parts += [run[index : index + 2] for index in range(len(run) - 1)] or [run]
    return parts + ([word[end:]] if end < len(word) else [])


@cache
def _stop_words() -> tuple[frozenset[str], ...]:
    from bm25s import stopwords

    lists = (getattr(stopwords, f"STOPWORDS_{language}") for language in _LANGUAGES)
    return tuple(frozenset(word for one in listed for word in words(one)) for listed in lists)
