"""Rewritten problems: parsing them, and finding facts of the question that a rewriting lost."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.strategies.decomposition.least_to_most import final_question
from reasoning.strategies.reply_parsing import json_objects, split_by_labels
from reasoning.strategies.sampling.paraphrase_matching import NUMBER, parse_numbers

# "Unbiased text context (…):", "Question/Query (…):" and "Context text related to the question (…):" are the paper's.
_LABEL = re.compile(
    r"^[^\w\n]{0,8}(?:\d{1,2}[.)] ?\**)?"
    r"(?:(?:\w{1,12} |unbiased text )?(?P<name>context|question|query|answer)(?:(?: ?/ ?| or )(?:query|question))?"
    r"|(?P<related>context) text related to the question)"
    r"\*{0,3}(?: ?\([^()\n]{0,200}\))?(?:[^\w\n:：]{0,3}[:：]|(?<=[*\w)])[*_ ]{0,4}$| ?\|(?=[^|\n]+\|))[*_ ]*",
    re.MULTILINE | re.IGNORECASE,
)
_FENCE = re.compile(r"[ \t]{0,8}(?:```|~~~)\w{0,20}[ \t]*")
# A remark after the parts.
_REMARK = re.compile(
    r"\n[ \t\r]{0,20}\n\W{0,4}(?:(?:please )?let me know\b|i hope\b|feel free\b|note(?: that\b|:)"
    r"|i (?:have )?removed the\b|this (?:rewriting|rewrite|version)\b|if you(?:['’]d| would) like\b)[^?]{0,600}\Z",
    re.IGNORECASE,
)
_ASKS_FOR_QUESTION = re.compile(r"\b(?:question|query)\b[^\n:.]{0,100}[:：]", re.IGNORECASE)
_OPINION = re.compile(
    r"\b(?:I(?: am|['’]m| think| believe| guess| feel| hope)|(?i:in my (?:opinion|view)|my guess))\b[^,;.!?\n]*"
)
# The first word of a sentence is always capitalised.
_START = re.compile(r"(?:^|[.!?:\n])[\s\"'“‘(]*\w+")
_NAME = re.compile(r"\b(?!I\b)[^\W\d_]\w*")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_QUOTED = re.compile(r"[\"“„]([^\"“”„\n]{1,80})[\"”]|(?<!\w)['‘]([^'‘’\n]{1,80})['’](?!\w)")


class RewrittenProblem(NamedTuple):
    """A problem as a model rewrote it."""

    context: str
    question: str


def asks_for_parts(prompt: Prompt) -> bool:
    """Return whether a prompt asks for a part with a label of the question, such as "Question:"."""
    texts = [*prompt.sections.values(), prompt.input, prompt.recap, *(demo.output for demo in prompt.examples)]
    return any(_ASKS_FOR_QUESTION.search(text) for text in texts)


def parse_rewrite(text: str, problem: Problem, *, parts: bool = True) -> RewrittenProblem | None:
    """Parse the two labelled parts of a reply, or return None if there is no question.

    The labels are ours or the paper's, with a colon, as headings or as the cells of a table; two
    fields of a JSON object count too. An answer that follows is cut off, and so is a remark after
    the parts. A label that occurs in the problem itself, such as "Question:" in a passage, does not
    count if the same label follows later.

    Args:
        text: the reply.
        problem: the original problem.
        parts: whether two parts were asked for; otherwise a reply without them is the question.
    """
    if fields := _json_fields(text):
        return fields
    labelled = [(_name(label), label[0] + part, part) for label, part in split_by_labels(text, _LABEL)]
    labels_in_problem = Counter(map(_name, _LABEL.finditer(problem.values()["question_only"])))
    found: dict[str, str] = {}
    for index, (name, with_label, part) in enumerate(labelled):
        if found and labels_in_problem[name] and any(later == name for later, _, _ in labelled[index + 1 :]):
            labels_in_problem[name] -= 1
            previous = [*found][-1]
            found[previous] = f"{found[previous]}\n{with_label.strip()}"
        else:
            found.setdefault(name, part)
    found = {name: _plain(part) for name, part in found.items()}
    if not found.get("question"):
        return None if parts or found or not text.strip() else RewrittenProblem("", _plain(text))
    return RewrittenProblem(_kept(found.get("context", "")), found["question"])


def _name(label: re.Match[str]) -> str:
    name = str(label["name"] or label["related"]).lower()
    return "question" if name == "query" else name


def _kept(context: str) -> str:
    """Return a context, or an empty text if it is only a word for "nothing"."""
    return "" if "".join(filter(str.isalnum, context)).casefold() in ("", "none", "na", "empty", "null") else context


def _plain(part: str) -> str:
    """Return a part without a remark after it, fences and the bars of a table's row."""
    part = _REMARK.sub("", part)
    lines = (line for line in part.split("\n") if not (_FENCE.fullmatch(line) or _is_rule(line)))
    text = "\n".join(lines).strip()
    return text.removesuffix("|").rstrip() if part.rstrip().endswith("|") else text


def _is_rule(line: str) -> bool:
    """Return whether a line only separates: "---", "|---|---|"."""
    return "---" in line and set(line) <= set("-|: \t")


def _json_fields(text: str) -> RewrittenProblem | None:
    """Return the parts of a reply that is a JSON object with the fields "context" and "question"."""
    if (label := _LABEL.search(text)) and label.start() < text.find("{"):
        # The object is a part of a part.
        return None
    for value in json_objects(text):
        fields = {key.lower(): part.strip() for key, part in value.items() if isinstance(part, str)}
        if fields.get("question"):
            return RewrittenProblem(_kept(fields.get("context", "")), fields["question"])
    return None


def lost_facts(problem: Problem, rewritten: RewrittenProblem, *, opinions: bool) -> list[str]:
    """Return the numbers, names and quoted words of the final question that a rewriting lost.

    Args:
        problem: the original problem.
        rewritten: the rewriting.
        opinions: whether the writer's opinions may be lost, including a question that follows the
            actual one ("Isn't it …?").
    """
    questions = [sentence for sentence in _SENTENCE.findall(problem.question) if opinions and sentence.endswith("?")]
    return min((_lost(sentence, rewritten) for sentence in [*questions, final_question(problem)]), key=len)


def _lost(question: str, rewritten: RewrittenProblem) -> list[str]:
    question = _OPINION.sub("", question)
    kept = f"{rewritten.context}\n{rewritten.question}"
    values, words = parse_numbers(kept), set(_NAME.findall(kept.casefold()))
    named = [name for name in _NAME.findall(_START.sub(" ", question)) if name[0].isupper()]
    quoted = [first or second for first, second in _QUOTED.findall(question)]
    return [
        *(number for number in NUMBER.findall(question) if Decimal(number.replace(",", "")) not in values),
        *(name for name in named if name.casefold() not in words),
        *(words for words in quoted if " ".join(words.split()).casefold() not in " ".join(kept.split()).casefold()),
    ]
