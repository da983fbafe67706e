"""Queries, domains and edits as chat models write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reasoning.kinds.answer_span import strip_think_tags
from reasoning.kinds.code_blocks import find_code_blocks
from reasoning.strategies.knowledge.knowledge_sources import QueryLanguage
from reasoning.strategies.verification.statements import parse_statement
from reasoning.strategies.verification.verifying import parse_question

_BEGIN = {
    "SPARQL": re.compile(
        r"^[ \t]*(?:PREFIX|BASE|SELECT|ASK|CONSTRUCT|DESCRIBE|INSERT|DELETE)\b", re.IGNORECASE | re.MULTILINE
    ),
    "SQL": re.compile(r"\b(?:SELECT|WITH)\b", re.IGNORECASE),
}
_LABEL = re.compile(r"\A[\s*_`>]{0,8}(?:search )?(?:query|sql|sparql)[*_]{0,2}\s?[:：][\s*_`]{0,6}", re.IGNORECASE)
_UNCHANGED = re.compile(
    r"\A\W{0,8}(?:(?:the |this )?(?:sentence|statement|reason)\W{1,4}(?:is |remains |stays )?)?"
    r"(?:unchanged|no change|not changed|no correction)",
    re.IGNORECASE,
)
_MAX_QUERY = 2_000


def parse_query(reply: str, language: QueryLanguage) -> str:
    """Return the query of a reply; "" if it has none.

    A query in SQL or SPARQL is the first block of code, or else the text from its first keyword to an
    empty line or its semicolon. A query in plain words is a question, or else the first line.

    Examples:
        >>> parse_query("Sure!\\n```sql\\nSELECT 1\\n```\\nThis counts.", "SQL")
        'SELECT 1'
    """
    reply = strip_think_tags(reply)
    if language == "text":
        plain = _LABEL.sub("", reply.strip()[:_MAX_QUERY])
        return parse_question(plain) or parse_statement(plain)
    blocks, unopened = find_code_blocks(reply)
    code = next((block.content for block in blocks if block.content.strip()), unopened or "")
    if not code and (begin := _BEGIN[language].search(reply)):
        code = re.split(r"\n[ \t]*\n", reply[begin.start() :], maxsplit=1)[0]
        code = code.partition(";")[0] if language == "SQL" else code
    return _LABEL.sub("", code).strip().rstrip(";`").strip()[:_MAX_QUERY]


def parse_domains(reply: str, domains: Sequence[str]) -> list[str]:
    """Return the domains that a reply names, by name or number, in the order of `domains`.

    A denied one ("medicine: no", "not medicine") does not count. If none is named, it is the first,
    as in the paper.
    """
    reply = strip_think_tags(reply)
    named = [domain for domain in domains if _names(reply, domain)]
    if not named:
        numbers = {int(number) for number in re.findall(r"(?<![\d.])\d{1,2}(?!\d)", reply[:1_000])}
        named = [domain for number, domain in enumerate(domains, 1) if number in numbers]
    return named or list(domains[:1])


def parse_edit(reply: str, rationale: str) -> str:
    """Return the corrected rationale, or the rationale itself if the reply says "unchanged" or states nothing."""
    reply = strip_think_tags(reply)
    if _UNCHANGED.match(reply):
        return rationale
    return parse_statement(reply) or rationale


def _names(reply: str, domain: str) -> bool:
    name = re.escape(domain.casefold())
    found = re.search(
        rf"(?P<not>\b(?:not|no|nor|neither|except)[ \t])?(?<!\w){name}(?!\w)(?P<no>\W{{1,6}}no\b)?", reply.casefold()
    )
    return found is not None and not found["not"] and not found["no"]
