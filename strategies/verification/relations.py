"""Relations between statements: which one entails or contradicts which, asked of the model in batches."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from reasoning.kinds.answer_span import strip_think_tags
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.in_forks import for_each
from reasoning.strategies.verification.maieutic_demonstrations import RELATIONS

Relation = Literal["entailment", "contradiction", "neutral"]

RELATE = Prompt(
    objective="Decide how numbered sentences relate to a premise, by the premise alone.",
    instructions="entailment: if the premise is true, the sentence must be true. contradiction: the premise and the "
    "sentence cannot both be true. neutral: neither of these, also if both are about the same thing.",
    output_format="One line for each number, with one of the three words.",
    examples=RELATIONS,
    input="Premise: {premise}\n\nSentences:\n{sentences}",
)
_LABEL = r"(?P<label>entail|contradict|neutral|unrelated)"
_PAIR = re.compile(
    rf"(?<![\d.])(?P<number>\d{{1,3}})[\"'*_\s)\]]{{0,5}}(?:[:.)=|>→–-]{{1,3}}|is\b|,)[\"'*_`\s{{]{{0,8}}"
    rf"(?:(?:\"?(?:label|relation)\"?)\W{{1,5}})?(?P<text>{_LABEL}\w*)",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"[\s*_#|>([-]{0,8}(?:(?:sentence|hypothesis|pair|number|no\.?)\s?#?)?(\d{1,3})(?!\d)", re.IGNORECASE
)
_WORD = re.compile(rf"(?P<not>\b(?:no|not|neither|nor|or)\s(?:an?\s)?)?\b{_LABEL}", re.IGNORECASE)
_RELATIONS: dict[str, Relation] = {"entail": "entailment", "contradict": "contradiction"}


class Pair(NamedTuple):
    """Two statements by their indexes, of which the first is the premise."""

    premise: int
    hypothesis: int


class Batch(NamedTuple):
    """Pairs with one premise that are asked about in one call, by the indexes of their hypotheses."""

    premise: int
    hypotheses: tuple[int, ...]


async def ask_relations(
    groups: Sequence[Mapping[int, str]], prompt: Prompt, size: int, session: Session
) -> dict[Pair, Relation]:
    """Return the relation of every ordered pair of statements within each group.

    A call has one premise and at most `size` sentences, numbered by their places in the call. Pairs
    for which a reply states no relation are asked about once more, and are neutral after that.

    Args:
        groups: statements by indexes, which no two groups share.
        prompt: `RELATE`, or one that replaces it.
        size: maximum number of pairs in a call.
        session: the session.
    """
    pairs = [Pair(one, other) for group in groups for one in group for other in group if one != other]
    statements = {index: text for group in groups for index, text in group.items()}
    known: dict[Pair, Relation] = {}

    async def ask(batch: Batch, fork: Session) -> None:
        sentences = "\n".join(f"{number}. {statements[index]}" for number, index in enumerate(batch.hypotheses, 1))
        turns = prompt.fill(premise=statements[batch.premise], sentences=sentences)
        reply = await fork.ask(turns, temperature=0, max_tokens=fork.at_least(24 * len(batch.hypotheses)))
        for number, relation in parse_relations(reply.text, len(batch.hypotheses)).items():
            known[Pair(batch.premise, batch.hypotheses[number - 1])] = relation

    for name in ("premise", "premise, again"):
        if missing := [pair for pair in pairs if pair not in known]:
            await for_each(_batches(missing, size), ask, session, name)
    if missing := [pair for pair in pairs if pair not in known]:
        session.note(f"{len(missing)} of {len(pairs)} pairs have no stated relation and count as neutral")
    return {pair: known.get(pair, "neutral") for pair in pairs}


def parse_relations(reply: str, count: int) -> dict[int, Relation]:
    """Return the relations that a reply states, by the number of the sentence, from 1 to `count`.

    A number is followed by its relation: in a list, a table, JSON or a line ("1: neutral, 2:
    entailment"). If words stand between them, the line's last relation counts that is not denied, or
    that of the lines below the number. The first relation of a number counts.

    Examples:
        >>> parse_relations("1: neutral\\n**2.** Both cannot be true: contradiction", 2)
        {1: 'neutral', 2: 'contradiction'}
    """
    reply = strip_think_tags(reply)
    found: dict[int, Relation] = {}
    for match in _PAIR.finditer(reply):
        found.setdefault(int(match["number"]), _relation(match))
    current = 0
    stated: Mapping[int, Relation] = dict(found)
    for line in reply.splitlines():
        rest = line
        if number := _NUMBER.match(line):
            current, rest = int(number[1]), line[number.end() :]
        labels = [match for match in _WORD.finditer(rest) if not match["not"]]
        if labels and current not in stated:
            found.setdefault(current, _relation(labels[-1]))
    return {number: found[number] for number in sorted(found) if 1 <= number <= count}


def _batches(pairs: Sequence[Pair], size: int) -> list[Batch]:
    by_premise: dict[int, list[int]] = {}
    for pair in pairs:
        by_premise.setdefault(pair.premise, []).append(pair.hypothesis)
    return [
        Batch(premise, tuple(hypotheses[start : start + size]))
        for premise, hypotheses in by_premise.items()
        for start in range(0, len(hypotheses), size)
    ]


def _relation(match: re.Match[str]) -> Relation:
    return _RELATIONS.get(match["label"].lower(), "neutral")
