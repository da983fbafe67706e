"""The choice of one numbered response, as models state it: "Response 3", "#3", a box, a JSON field, a last line."""

from __future__ import annotations

import re
import unicodedata

from reasoning.kinds import Number
from reasoning.kinds.answer_span import visible_text

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SPELLED = {word: str(number) for words in (_WORDS, _ORDINALS) for number, word in enumerate(words, 1)}
_SPELLED_NAME = re.compile(rf"\bresponse ({'|'.join(_WORDS)})\b")
_ORDINAL_NAME = re.compile(rf"\b(?:the )?({'|'.join(_ORDINALS)}) (?:response|one)\b")
# Markup and LaTeX around a name: "**Response 3**", "\boxed{\text{Response 3}}".
_MARKUP = re.compile(r"[*`~]|\\(?:text(?:bf|rm)?|mathbf|mathrm)\b|(?<!\w)_+|_+(?!\w)")
_BOX = re.compile(r"\\boxed\b")

_NUMBER = r"(?:no\. ?|number |nr\. ?)?[#(\[{\"'“„«]{0,3}(\d{1,6})(?!\d|[.,]\d| ?%)"
_NAME = rf"(?:response|candidate|option) ?{_NUMBER}"
_AS_WELL = re.compile(r"[)\]}\"'”»]{0,3}(?:,| and| or| &|/|,? as well as)(?: (?:and|or))? ?(?:responses? )?#?\d")
_IS = (
    r"(?: (?:is|would be|seems to be|appears to be))?[ :=\-–—>→\"'\]]{1,8}"
    r"(?:(?:therefore|thus|clearly|definitely)[, ]{1,2})?"
)
# The statement that the prompt asks for, which may give the number alone.
_MOST_CONSISTENT = re.compile(
    rf"\bmost[ _-]consistent(?:[ _](?:response|answer|one|choice|option|candidate))?{_IS}(?:the )?(?:{_NAME}|{_NUMBER})"
)
_FIELD = re.compile(
    r"[\"'](?:[a-z_ ]{0,30}[_ ])?(?:response|choice|chosen|selected|selection|best|index|number|id|answer)"
    rf"(?:[_ ](?:number|index|id|no))?[\"'] ?: ?[\"']?(?:response ?)?{_NUMBER}"
)
_NAMED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:answer|choice|choose|chosen|selection|select|selected|pick|verdict|decision|go with|best|majority)"
        rf"(?: response)?{_IS}(?:the )?{_NAME}",
        rf"\b(?:choice|choose|selection|select|pick)(?: is)?[ :]{{1,3}}{_NUMBER}[)\]\"'”]{{0,2}}[ .!]{{0,3}}$",
        rf"\b{_NAME}[)\]\"'”]{{0,2}},? (?:is|seems|appears)(?: to be)?(?: therefore| thus| clearly)? the "
        r"(?:most (?:consistent|common|representative)|best|one that agrees)",
        rf"\b{_NAME}[)\]\"'”]{{0,2}} (?:agrees|matches|aligns|coincides) (?:best|most)",
        rf"\\?boxed[ :{{]{{1,3}}{_NAME}",
        rf"\b(?:so|thus|therefore|hence),? (?:i (?:choose|pick|select) )?{_NAME}[)\]\"'”]{{0,2}}[ .!]{{0,3}}$",
        # "Responses 3 and 5 agree, so 3"
        rf"\bresponses? ?#?\d[^.!?]{{0,80}}\b(?:so|thus|therefore|hence),? {_NUMBER}[)\]\"'”]{{0,2}}[ .!]{{0,3}}$",
    )
)
_ANY = re.compile(rf"\bresponses?:? ?{_NUMBER}")
_LISTED = re.compile(r"[^\w|]{0,8}(?:\d{1,2}[.)] ?)?response #?\d{1,6}\b")
_ALONE = re.compile(rf"[^\w#(\[]{{0,8}}(?:(?:final )?(?:answer|choice)[: ]{{1,3}})?(?:response ?)?{_NUMBER}\W{{0,8}}")
_DOUBT = re.compile(
    r"\b(?:not|no|none|neither|cannot|between|outlier|odd one|wrong|incorrect|differs?|different|except|least|unlike|"
    r"disagrees?)\b|n['’]t\b"
)


def chosen_response(text: str, n: int) -> int | None:
    """Return the number of the response that a reply chooses, from 1 to `n`; None if it chooses none or several.

    The first that applies: the last "most consistent response is …"; a JSON field; a sentence that
    names the chosen response; the last line, if it names exactly one response and does not reject
    it; a number that is stated as the answer.

    Args:
        text: the reply.
        n: the number of responses.

    Examples:
        >>> chosen_response("Responses 1 and 3 agree.\\n\\n**The most consistent response is #3.**", 5)
        3
        >>> chosen_response("Responses 3 and 5 agree.", 5) is None
        True
    """
    lines = _plain(visible_text(text, None))
    for patterns in ((_MOST_CONSISTENT,), (_FIELD,), _NAMED):
        found = [match for line in lines for pattern in patterns for match in pattern.finditer(line)]
        if found:
            return _single(found[-1], n)
    last = lines[-1] if lines else ""
    if alone := _ALONE.fullmatch(last):
        return _in_range(alone[1], n)
    # A list or a table that goes through the responses chooses none.
    is_list = last.startswith("|") or (len(lines) > 1 and _LISTED.match(last) and _LISTED.match(lines[-2]))
    if (names := _ANY.findall(last)) and not is_list:
        listed = any(_AS_WELL.match(last, match.end()) for match in _ANY.finditer(last))
        return None if listed or len(set(names)) > 1 or _DOUBT.search(last) else _in_range(names[0], n)
    stated = Number().parse(text, stated_only=True)
    return stated if isinstance(stated, int) and 1 <= stated <= n else None


def _plain(text: str) -> list[str]:
    """Return the lines that have a word or number: lower case, without markup, with numbers in ASCII digits."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = _SPELLED_NAME.sub(lambda match: f"response {_SPELLED[match[1]]}", _BOX.sub(" boxed", _MARKUP.sub("", text)))
    text = _ORDINAL_NAME.sub(lambda match: f"response {_SPELLED[match[1]]}", text)
    lines: list[str] = []
    for line in (" ".join(line.split()) for line in text.splitlines() if any(map(str.isalnum, line))):
        # "The most consistent response is:" has its number on the next line.
        if lines and lines[-1].endswith((":", " is")) and "consistent" in lines[-1]:
            line = f"{lines.pop()} {line}"
        lines.append(line)
    return lines


def _single(match: re.Match[str], n: int) -> int | None:
    """Return the number of a match, unless the text names further responses behind it."""
    if _AS_WELL.match(match.string, match.end()):
        return None
    return _in_range(next(number for number in match.groups() if number), n)


def _in_range(number: str, n: int) -> int | None:
    return int(number) if 1 <= int(number) <= n else None
