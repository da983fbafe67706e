"""Made-up questions: topic words, numbered chains, the question in a reply, and the filters that it must pass."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from reasoning.kinds import Choice, Kind
from reasoning.problem import Problem
from reasoning.strategies.demonstrations.near_duplicates import find_near_duplicates, words_of
from reasoning.strategies.demonstrations.worked_example import WorkedExample
from reasoning.strategies.reply_parsing import match_item_mark, split_by_labels

_WORD = re.compile(r"[^\W\d_]{3,20}")
# "harbour", "**Harbour** – where ships lie"
_TOPIC = re.compile(r"([^\W\d_]{3,20})(?:[*_`\"']{0,3}\s*[-–—:(][^\n]+)?")
# Frequent words of questions that are no topics, besides the stop words of the language.
_NO_TOPIC = frozenset(
    (
        *("answer", "cost", "costs", "day", "days", "did", "does", "dollar", "dollars", "each", "equal", "half"),
        *("hour", "hours", "left", "litres", "make", "makes", "many", "metres", "minutes", "more", "much", "number"),
        *("one", "other", "per", "question", "same", "than", "then", "three", "total", "two", "week", "weeks"),
    )
)
_LABEL = re.compile(
    r"^[^\w\n]{0,8}(?P<name>(?:new |final )?question|problem|reasoning|solution|steps|topic|answer|explanation)"
    r"[^\S\n]{0,3}(?:\d{1,2})?[*_ \t]{0,4}(?:[:：][*_ \t]{0,4}|$)",
    re.IGNORECASE | re.MULTILINE,
)
_COMMENT = re.compile(r"(?:^\s*|\s\s)#.*")
_OPTION = re.compile(r"^[^\w\n(]{0,4}\(?[A-Ja-j][).:][)*\s]{0,4}(?P<text>\S[^\n]{0,300})$", re.MULTILINE)
_REPEATED = 5
"""Length of a sequence of words that a question must not contain twice."""
_MAX_QUESTION = 2_000
"""Maximum length of a new question in characters."""
_MAX_OPTIONS = 10
_STEM = 4
"""Letters by which a topic is recognised at least: "ferr" in "ferries"."""


def topic_of(example: WorkedExample) -> str:
    """Return the word that a worked example is most about: the most frequent one that is no stop word."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    words = [word for word in _WORD.findall(f"{example.question} {example.rationale}") if word.islower()]
    counts = Counter(word for word in words if word not in ENGLISH_STOP_WORDS and word not in _NO_TOPIC)
    return max(counts, key=counts.__getitem__, default="things")


def parse_topics(text: str) -> list[str]:
    """Return the single words of a list, in lower case: one per line, or separated by commas."""
    parts = [part.strip() for line in text.splitlines() for part in re.split(r"[,;|]", line)]
    items = [part[mark.end() :] if (mark := match_item_mark(part)) else part for part in parts]
    found = (_TOPIC.fullmatch(item.strip(" .*_`\"'[]")) for item in items)
    return list(dict.fromkeys(match[1].lower() for match in found if match))


def steps_of(example: WorkedExample, programs: bool) -> list[str]:
    """Return the steps of an example's chain: the lines of its program without comments, or of its reasoning.

    Their number is the chain's complexity.
    """
    if not programs:
        return list(example.lines)
    lines = (_COMMENT.sub("", line).rstrip() for line in example.program.splitlines())
    return [line for line in lines if line]


def numbered_chain(example: WorkedExample, programs: bool) -> str:
    """Return the chain of an example with the number of each step behind its line, `# 1`, `# 2`, …, or before it."""
    steps = enumerate(steps_of(example, programs), 1)
    return "\n".join(f"{step}  # {number}" if programs else f"# {number}. {step}" for number, step in steps)


def parse_question(text: str, kind: Kind) -> Problem | None:
    """Return the problem that a reply writes after its reasoning; None if there is no question or no options.

    Args:
        text: the reply: reasoning, then "Question: …", with options in lines for a choice.
        kind: the kind of answer that the problem asks for.
    """
    parts = [(match["name"].lower(), part) for match, part in split_by_labels(text, _LABEL)]
    question = next((part for name, part in reversed(parts) if name.endswith(("question", "problem")) and part), "")
    if not question and (paragraphs := [part for part in text.split("\n\n") if part.rstrip().endswith("?")]):
        question = paragraphs[-1]
    if isinstance(kind, Choice) and kind.options:
        options = list(_OPTION.finditer(question))
        texts = tuple(match["text"].strip("* ") for match in options)
        if not 2 <= len(texts) == len(set(texts)) <= _MAX_OPTIONS:
            return None
        question, kind = question[: options[0].start()], Choice(texts)
    plain = " ".join(question.replace("**", "").replace("```", "").strip('"“” \n').split())
    return Problem(plain, kind) if plain and len(plain) <= _MAX_QUESTION else None


def question_fault(problem: Problem, topic: str, known: Iterable[str]) -> str | None:
    """Return the reason why a new question is not used; None if it is.

    Args:
        problem: the new problem.
        topic: the word that it should be about.
        known: the questions that exist already.

    Source:
        Shao et al. (2023), arXiv 2302.00618, §3.2 and appendix: duplicates, repeated 5-grams, and
        questions that do not mention the topic.
    """
    words = words_of(problem.question)
    grams = [tuple(words[start : start + _REPEATED]) for start in range(len(words) - _REPEATED + 1)]
    stem = topic.casefold()[: max(_STEM, len(topic) - 1)]
    if not any(word.startswith(stem) for word in words):
        return "the question does not mention its topic"
    if len(set(grams)) < len(grams):
        return "the question repeats itself"
    if find_near_duplicates([problem.question], list(known)):
        return "the question is a duplicate"
    return None
