"""Parsing a plan of verification: which question asks for which claim."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reasoning.kinds import Text
from reasoning.kinds.json_repair import find_json
from reasoning.strategies.reply_parsing import normalize_question, parse_items
from reasoning.strategies.verification.verification_questions import ClaimCheck

_ROLES = {"claim": "claim", "fact": "claim", "statement": "claim", "assertion": "claim", "question": "question"}
_ROLES |= {"answer": "answer", "finding": "answer", "q": "question", "a": "answer"}
_LABEL = r"(?:verification )?(?P<role>claim|fact|statement|assertion|question|answer|q|a) ?#?\d{0,2} ?[:：]\s*+"
_LABELLED = re.compile(rf"[\s*_>#•-]*+{_LABEL}", re.IGNORECASE)
_UNNAMED_LABEL = _LABEL.replace("?P<role>", "?:")
_ARROW = re.compile(
    rf"(?:=>|->|→|⇒|\|)[\s*_]*+(?:{_UNNAMED_LABEL})?+|\b(?:verification )?question ?\d{{0,2}}[:：]", re.I
)
_LED = re.compile(r"\s*(?:=>|->|→|⇒)")
_BEFORE = re.compile(rf"\A[\s*_#]*+(?:{_UNNAMED_LABEL})?+[\s*_]*+", re.IGNORECASE)
_ROW = re.compile(r"^[ \t]*\|(.+)\|[ \t]*$", re.MULTILINE)
_RULE = re.compile(r"[\s|:-]*")
_OBJECT = re.compile(r"[\[{](?=\s*[\"{\[])")
_NUMBER = re.compile(r"[\s*_>#(•-]*+(?:(?:claim|fact|question|q) ?#?)?(\d{1,2})[).:：]", re.IGNORECASE)
_OPEN = "who|whom|whose|what|when|where|which|why|how"
# A sentence begins after a full stop that does not belong to a title or an initial, and before a question word.
_SENTENCE = re.compile(
    r"(?<!\b(?:Dr|Mr|Ms|St|Jr|Sr|Mt|No))(?<!\b(?:Mrs|Rev|Gen|Col))(?<!\bProf)"
    rf"(?:(?<!\b[A-Z])[.!?][*)\"']*+\s++(?=[\"'(]?[A-ZÀ-Þ])|(?:[.!?;:][*)\"']*+\s++|\s[-–—]\s++|\()(?=(?i:{_OPEN})\b))"
)
_MIN_CLAIM_SPACES = 3
"""A shorter text is a name rather than a claim, and a question may contain it."""
_MAX_LINES = 500


class _Entry(NamedTuple):
    """A line of a plan.

    Attributes:
        claim: the claim that it states; empty if it has none of its own.
        question: the question that it asks; empty if it only states a claim.
        finding: the answer to the question.
        number: the number before it.
    """

    claim: str
    question: str = ""
    finding: str = ""
    number: int | None = None

    @property
    def lacks_claim(self) -> bool:
        return not self.claim and bool(self.question)


def parse_plan(plan: str, passage: str, *, answers: bool = False) -> list[ClaimCheck]:
    """Parse the claims and questions of a plan, and their answers if it has them, each question once.

    A question ends in a question mark and is cut to its last sentence, so that it does not include
    a claim before it. A question that still contains the claim or the passage is dropped. Claim and
    question may be in reverse order, in the columns of a table, in JSON, or on lines of their own:
    a question without a claim on its line asks for the claim above it. If all claims come first,
    the numbers decide, or the order if there are as many questions.

    Args:
        plan: lines such as `1. claim => question`. If no list item is a check, unnumbered lines are
            tried.
        passage: the claim of a question without one.
        answers: whether the plan has the answers to its questions.
    """
    plan = plan.replace("**", "")
    lines = plan.splitlines()[:_MAX_LINES]
    checks: dict[str, ClaimCheck] = {}
    for entries in (_from_json(plan), _from_table(plan), _from_lines(lines, answers), _from_prose(lines, answers)):
        for check in filter(None, (_check(entry, passage, answers) for entry in _link(list(entries)))):
            checks.setdefault(normalize_question(check.question), check)
        if checks:
            break
    return list(checks.values())


def _from_json(plan: str) -> Iterator[_Entry]:
    for found in find_json(plan, _OBJECT):
        pending = [found.value]
        while pending:
            value = pending.pop(0)
            if isinstance(value, dict) and any(isinstance(text, str) for text in value.values()):
                fields = {_role(name): str(text) for name, text in value.items()}
                yield _Entry(fields.get("claim", ""), fields.get("question", ""), fields.get("answer", ""))
            elif isinstance(value, list | dict):
                pending += value if isinstance(value, list) else value.values()


def _from_table(plan: str) -> Iterator[_Entry]:
    rows = [[cell.strip() for cell in row.split("|")] for row in _ROW.findall(plan) if not _RULE.fullmatch(row)]
    roles = [_role(cell) for cell in rows[0]] if rows else []
    for row in rows[1:] if "question" in roles else ():
        cells = dict(zip(roles, row, strict=False))
        yield _Entry(cells.get("claim", ""), cells.get("question", ""), cells.get("answer", ""))


def _role(title: str) -> str:
    """Return the role of a column or a field: claim, question or answer; else its title."""
    return next((role for word, role in _ROLES.items() if len(word) > 1 and word in title.lower()), title)


def _from_lines(lines: Sequence[str], answers: bool) -> Iterator[_Entry]:
    """Yield the entries of a list, of lines with a label or an arrow, and of lines below an item."""
    is_below, above = False, ""
    for line in filter(str.strip, lines):
        items, led = parse_items(line), _LED.match(line)
        if led and not is_below:
            yield _Entry(above)
        is_below = bool(items or led or _LABELLED.match(line) or (is_below and line[0].isspace()))
        if is_below:
            yield _parse_line(line, items[0] if items else line, answers)
        above = line.strip()


def _from_prose(lines: Sequence[str], answers: bool) -> Iterator[_Entry]:
    entries = (_parse_line(line, line, answers) for line in lines if line.strip() and not parse_items(line))
    return (entry for entry in entries if entry.question)


def _parse_line(line: str, text: str, answers: bool) -> _Entry:
    number = int(match[1]) if (match := _NUMBER.match(line)) else None
    label = _LABELLED.match(text)
    role = _ROLES[label["role"].lower()] if label else ""
    parts = (_BEFORE.sub("", part, count=1).strip(" *_|") for part in _ARROW.split(text, maxsplit=2))
    first, second, finding, *_ = [*filter(None, parts), "", "", ""]
    if role == "answer" or (_LED.match(text) and not _asks(first)):
        return _Entry("", "", first, number)
    if _asks(first) and answers and not finding:
        return _Entry("", first, second, number)
    if _asks(first):
        return _Entry("" if _asks(second) else second, first, finding, number)
    if _asks(second):
        return _Entry(first, second, finding, number)
    return _Entry("" if first.endswith(":") else first, "", "", number)


def _link(entries: list[_Entry]) -> list[_Entry]:
    """Give the questions without a claim the claim that they ask for, and the answers below them."""
    claims = [entry for entry in entries if entry.claim and not entry.question]
    open_questions = [entry for entry in entries if entry.lacks_claim]
    order = "".join("c" if entry.claim else "q" for entry in entries if entry in claims or entry.lacks_claim)
    numbered = {claim.number: claim.claim for claim in claims if claim.number is not None}
    # A single question that is an item of its own does not belong to the item above it.
    is_item = len(open_questions) > 1 or any(entry.number is not None for entry in open_questions)
    are_apart = is_item and re.fullmatch(r"c{2,}q+", order) is not None
    by_number = are_apart and all(entry.number in numbered for entry in open_questions)
    by_order = are_apart and len(claims) == len(open_questions)
    if re.fullmatch(r"(?:qc)+", order):
        # Each question stands above its claim.
        by_order = True
    linked: list[_Entry] = []
    above, asked = "", 0
    for entry in entries:
        if entry.lacks_claim:
            claim = numbered[entry.number or 0] if by_number else claims[asked].claim if by_order else above
            asked += 1
            linked.append(entry._replace(claim="" if are_apart and not (by_number or by_order) else claim))
        elif entry.question:
            above = ""
            linked.append(entry)
        elif entry.claim:
            above = entry.claim
        elif entry.finding and linked and not linked[-1].finding:
            linked[-1] = linked[-1]._replace(finding=entry.finding)
    return linked


def _check(entry: _Entry, passage: str, answers: bool) -> ClaimCheck | None:
    """Return the check of an entry, or None if it asks nothing or gives the fact away."""
    asked = entry.question.strip(" *_\"“”„'")
    if not _asks(asked):
        return None
    start = max((match.end() for match in _SENTENCE.finditer(asked)), default=0)
    claim, question = entry.claim or asked[:start].rstrip(" *_(") or passage, asked[start:].rstrip(")")
    normalized = normalize_question(question)
    giveaways = (normalize_question(text) for text in {claim, passage})
    if any(text in normalized and text.count(" ") >= _MIN_CLAIM_SPACES for text in giveaways):
        return None
    return ClaimCheck(claim, question, (Text().parse(entry.finding) or "") if answers else "")


def _asks(part: str) -> bool:
    return part.rstrip(")\"'”“").endswith(("?", "？"))
