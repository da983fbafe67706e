"""The phrasing of answers: refusals, negations, sentences, and the markup around them."""

from __future__ import annotations

import re
from itertools import islice

from reasoning.kinds.kind import Rejected

_MARKS = "*_`\"'“”‘’$"
_AROUND = _MARKS + " \t:"
# Headings and quotes of Markdown; an answer may itself begin with ">".
_QUOTING = re.compile(r"\A(?:[#>]{1,6}\s*(?=[\w*_`$\\\"'#>-]))+")
_BULLET = re.compile(r"\A[-*•]\s")
_WORD = re.compile(r"\w")
_REFUSAL = re.compile(
    r"""\b(?:
      (?:i|we|one|you)\ (?:do\ not|don't|cannot|can't|can\ not|could\ not|couldn't|(?:am|are)\ (?:un|not\ )able\ to)
      \ (?:know|answer|determine|say|tell|solve|help|provide|give|complete|calculate|write|find\ (?:the|an)\ answer)
    | (?:do\ not|don't|does\ not|doesn't|did\ not|didn't)\ (?:have|provide|give|contain|include)\ (?:us\ )?
      (?:enough|sufficient)
    | i(?:'m|\ am)\ (?:not\ sure|unsure|unable|sorry)
    | (?:cannot|can't|can\ not|could\ not|couldn't|impossible\ to|not\ possible\ to|unable\ to)\ (?:be\ )?
      (?:determine|answer|know|calculate|solve|say|tell|compute|infer|find|found|provide|give)\w*
    | (?:answer|choice|option)\ (?:would\ |will\ |may\ |could\ |really\ )?depends?
    | (?:not\ (?:enough|sufficient)|insufficient)\ (?:information|data|context|info)
    | (?:unknown|undetermined|indeterminate|no\ answer|n/a)
      (?=[\s.!"'*)]*$|["'*)]{0,3}[,;:]
        |["'*)]{0,3}\ (?:without|because|since|as|due\ to|from|based|given|until|unless)\b)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_MISSING = re.compile(
    r"\b(?:not|isn't) (?:given|specified|provided|stated|known|clear|determined|available)\b|\bno (?:\w+ )?answer\b",
    re.I,
)
# "I'm not sure, but I think …" is an answer.
_YET = re.compile(r"[^.!?\n]{0,80}[,;] (?:but|however)\b")
_REASON = re.compile(r"(?:\w+,? ){0,3}?(?:since|because|as|given that|although|though|while|whereas)\b", re.IGNORECASE)
_SO = re.compile(r"[,;]?\s(?:so(?! (?:much|many|far|that)\b)|thus|hence|therefore)\b,?\s(?=\S)", re.IGNORECASE)
_NOT = re.compile(r"(?:(?:is|are)\s)?not\b", re.IGNORECASE)
_BUT = re.compile(r"\bbut\b(?:\s(?:rather|instead))?", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?](?=[\"'”’*_)\]]{0,4}(?:\s+[^\s\da-z$€£-]|\s*$))")


_BEGUN = re.compile(
    r"(?:(?:so|thus|hence|therefore),? )?(?:(?:the|my) )?(?:final )?answers?(?: (?:is|are):?|:)[ .…]*", re.IGNORECASE
)

INSTRUCTION_PREFIX = 'End with a last line: "The answer is" and '
"""The beginning of every instruction.

The small model that was tested follows this wording. With others it copied a letter that stands for
the answer ("The answer is N, where N is …"), or wrote only the described line ("one line
that begins …") and no reasoning."""


ECHO = Rejected("the words that ask for it")
"""A statement that is only the words of the instruction."""


DESCRIPTION = Rejected("a description")
"""A statement that describes the answer without its value: "the sum of 949 and 775"."""


def answer_instruction(description: str) -> str:
    """Return the instruction to state an answer at the end of a reply."""
    return f"{INSTRUCTION_PREFIX}{description}."


def strip_echo(statement: str, instruction: str) -> str | Rejected:
    """Remove the words of the instruction, which small models copy before the answer or instead of it."""
    description = instruction.removeprefix(INSTRUCTION_PREFIX).removesuffix(".").lower()
    bare = statement.lstrip(_AROUND).removeprefix("and ")
    if not description or not bare.lower().startswith(description):
        return statement
    return bare[len(description) :].lstrip(_AROUND + ".") or ECHO


def is_blank(statement: str) -> bool:
    """Return whether a statement is empty: the dots of a prompt, or only the beginning of a statement."""
    return not statement.strip(_MARKS + " \t.…") or _BEGUN.fullmatch(statement.strip(_MARKS + " \t")) is not None


def is_refusal(text: str) -> bool:
    """Return whether a statement begins with a refusal or says that the answer is unknown."""
    text = first_sentence(text)
    return _begins(_REFUSAL, text) or _begins(_MISSING, text)


def resolve_negation(text: str) -> str | Rejected:
    """Remove the denied part of a statement: "not 5 but 7" means 7, "not 5" alone is rejected."""
    if not _NOT.match(text):
        return text
    but = _BUT.search(text)
    return text[but.end() :].strip() if but else Rejected("a negation")


def first_sentence(text: str) -> str:
    """Return the first sentence.

    A full stop before a digit, a price or a lower-case letter does not end it ("Rs. 500",
    "approx. 5").
    """
    match = _SENTENCE.search(text)
    return text[: match.end()] if match else text


def has_word(text: str) -> bool:
    """Return whether a text has a letter or a digit."""
    return _WORD.search(text) is not None


def strip_markup(text: str) -> str:
    """Return a text without the Markdown, quotes, math delimiters and full stop around it."""
    # Signs without words quote nothing: "> > ]".
    text = _QUOTING.sub("", text.strip(), count=1) if has_word(text) else text.strip()
    text = _closed(text.lstrip(_MARKS + " \t"))
    for opening, closing in ((r"\(", r"\)"), (r"\[", r"\]"), (r"\text{", "}")):
        if text.startswith(opening) and text.endswith(closing):
            text = text[len(opening) : -len(closing)].strip()
    return _closed(text.lstrip(_MARKS + " \t"))


def strip_line_markup(line: str) -> str:
    """Return a line without the bullet at its beginning and the markup around it."""
    return strip_markup(_BULLET.sub("", line, count=1))


def begins_with_refusal(text: str) -> bool:
    """Return whether a clause of a sentence begins with a refusal; `is_refusal` knows more words."""
    clauses = [0, *(match.end() for match in islice(re.finditer(", ", text), 8))]
    return any(_begins(_REFUSAL, text[start:]) for start in clauses)


def main_clause(sentence: str) -> str:
    """Return what a sentence concludes from a reason: "it is neutral" in "Since we cannot tell, it is neutral".

    An empty text if it draws no conclusion.
    """
    if _REASON.match(sentence):
        return sentence.partition(", ")[2]
    so = _SO.search(sentence)
    return sentence[so.end() :] if so else ""


def _closed(text: str) -> str:
    """Return the text without markup and full stop at its end.

    Markup after a space stays, since it closes nothing ("2 *").
    """
    for _ in range(2):
        bare = text.rstrip().rstrip(_MARKS)
        text = bare if bare and not bare[-1].isspace() else text.rstrip()
        text = text.removesuffix(".")
    return text.rstrip()


def _begins(pattern: re.Pattern[str], text: str) -> bool:
    """Return whether a sentence begins with the pattern, with at most a few words before it."""
    text = text.replace("’", "'")
    match = pattern.search(text)
    if match is None or re.fullmatch(r"[A-Za-z', \"*_]{0,40}", text[: match.start()]) is None:
        return False
    yet = _YET.match(text, match.end())
    return yet is None or _begins(pattern, text[yet.end() :].lstrip())
