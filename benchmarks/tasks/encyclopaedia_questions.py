"""The questions about the generated encyclopaedia, each with its answer and the facts that give it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from reasoning.benchmarks.tasks.encyclopaedia_world import LINKS, Thing, World, words
from reasoning.kinds import Choice, Kind, Text, YesNo
from reasoning.kinds.text import normalize_text

Fact = tuple[str, str]
"""The title of a page, and an attribute that it states."""

_STYLES = ("text", "text", "text", "claim", "choice")
_OPTIONS = 4


@dataclass(frozen=True)
class Question:
    """A question about an encyclopaedia.

    Attributes:
        text: the question.
        kind: the kind of its answer.
        answers: the accepted answers.
        facts: the facts that give the answer, in the order in which they are looked up.
    """

    text: str
    kind: Kind
    answers: tuple[Any, ...]
    facts: tuple[Fact, ...]


def ask(world: World, level: str, chance: random.Random) -> Iterator[Question]:
    """Yield different questions of one level without end, as long as the encyclopaedia has some.

    Args:
        world: the encyclopaedia.
        level: "easy" asks for a fact of one page; "medium" for a fact of a page that another page names; "hard"
            compares two such facts, asks which of four leads elsewhere, or begins at a name that two things have.
        chance: the random generator.
    """
    asker, seen = _Asker(world, chance), set[str]()
    makers: dict[str, list[Callable[[], Question | None]]] = {
        "easy": [asker.one_hop],
        "medium": [asker.two_hops],
        "hard": [asker.comparison, asker.exception, asker.homonym],
    }
    number = 0
    while True:
        made = makers[level][number % len(makers[level])]()
        if made is not None and made.text not in seen and not _gives_away(made):
            seen.add(made.text)
            number += 1
            yield made


def _gives_away(question: Question) -> bool:
    """Return whether the question itself contains its answer."""
    text = normalize_text(question.text)
    return isinstance(question.kind, Text) and any(normalize_text(str(one)) in text for one in question.answers)


class _Asker:
    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance, self.words = world, chance, words()

    def one_hop(self) -> Question | None:
        kind, attribute = self._pair(lambda kind, _: True)
        thing = self._thing(kind, attribute)
        return self._about(thing, attribute, thing.subject, ())

    def two_hops(self) -> Question | None:
        kind, first = self._pair(lambda kind, attribute: attribute in LINKS[kind])
        return self._from(self._thing(kind, first), first)

    def homonym(self) -> Question | None:
        """Ask as `two_hops`, from a thing whose name is ambiguous."""
        things = [thing for thing in self.world.things.values() if thing.is_ambiguous]
        kind = self.chance.choice(["person", "town"])
        start = self.chance.choice([thing for thing in things if thing.kind == kind])
        first = self.chance.choice([one for one in self.words["phrases"][kind] if one in start.facts])
        return self._from(start, first)

    def _from(self, start: Thing, first: str) -> Question | None:
        """Return a question for an attribute of the thing to which an attribute of another leads."""
        between = self.world.follow(start, first)
        second = self.chance.choice([one for one in self.words["questions"][between.kind] if one in between.facts])
        return self._about(between, second, self._phrase(start, first), ((start.title, first),))

    def comparison(self) -> Question | None:
        kind = self.chance.choice([*self.words["comparisons"]])
        attribute = self.chance.choice([*self.words["comparisons"][kind]])
        (a, a_phrase, a_facts), (b, b_phrase, b_facts) = (self._described(kind) for _ in range(2))
        first, second = int(a.facts[attribute]), int(b.facts[attribute])
        # A difference that a reader sees; equal values have no answer.
        if abs(first - second) < max(2, 0.05 * max(first, second) * (attribute != "born")):
            return None
        facts = (*a_facts, (a.title, attribute), *b_facts, (b.title, attribute))
        if (style := self.chance.choice(["larger", "smaller", "claim"])) == "claim":
            text = self._choose(self.words["comparisons"][kind][attribute]["claim"])
            return Question(text.format(a=a_phrase, b=b_phrase), YesNo(), ("yes" if first > second else "no",), facts)
        text = self._choose(self.words["comparisons"][kind][attribute][style])
        answer = a if (first > second) == (style == "larger") else b
        return Question(text.format(a=a_phrase, b=b_phrase), Text(), _names(answer), facts)

    def exception(self) -> Question | None:
        kind = self.chance.choice([*self.words["exceptions"]])
        first = self.chance.choice([*self.words["exceptions"][kind]])
        [(second, templates)] = self.words["exceptions"][kind][first].items()
        groups: dict[str, list[Thing]] = {}
        for thing in self.world.by_kind[kind]:
            groups.setdefault(self.world.shown(self.world.follow(thing, first), second), []).append(thing)
        frequent = [value for value, things in groups.items() if len(things) >= _OPTIONS - 1]
        if not frequent:
            return None
        common = self.chance.choice(frequent)
        others = [thing for value, things in groups.items() if value != common for thing in things]
        if not others:
            return None
        odd = self.chance.choice(others)
        options = [odd, *self.chance.sample(groups[common], _OPTIONS - 1)]
        self.chance.shuffle(options)
        shown = [thing.title for thing in options]
        facts = tuple(
            fact
            for thing in options
            for fact in ((thing.title, first), (self.world.follow(thing, first).title, second))
        )
        return Question(self._choose(templates).format(c=common), Choice(shown), (odd.title,), facts)

    def _about(self, thing: Thing, attribute: str, subject: str, facts: tuple[Fact, ...]) -> Question | None:
        """Return a question for an attribute of a thing, which is called by a phrase.

        Returns:
            The question; None if too few other things have the attribute.
        """
        facts = (*facts, (thing.title, attribute))
        style = self.chance.choice(_STYLES)
        if style == "claim":
            is_true = self.chance.random() < 0.5
            if not (wrong := self._wrong_values(thing, attribute)):
                return None
            value = self.world.shown(thing, attribute) if is_true else self.chance.choice(wrong)
            text = self._choose(self.words["claims"][thing.kind][attribute]).format(x=subject, v=value)
            return Question(text, YesNo(), ("yes" if is_true else "no",), facts)
        text = self._choose(self.words["questions"][thing.kind][attribute]).format(x=subject)
        target = LINKS[thing.kind].get(attribute)
        if style == "choice":
            right = self.world.follow(thing, attribute).title if target else str(thing.facts[attribute])
            options = [right, *self._wrong_options(thing, attribute, right)]
            if len(options) < _OPTIONS:
                return None
            self.chance.shuffle(options)
            return Question(text, Choice(options), (right,), facts)
        answers = _names(self.world.follow(thing, attribute)) if target else (str(thing.facts[attribute]),)
        return Question(text, Text(), answers, facts)

    def _wrong_values(self, thing: Thing, attribute: str) -> list[str]:
        """Return the other values of an attribute, as sentences have them."""
        right = self.world.shown(thing, attribute)
        values = {self.world.shown(one, attribute) for one in self.world.by_kind[thing.kind] if attribute in one.facts}
        return sorted(values - {right})

    def _wrong_options(self, thing: Thing, attribute: str, right: str) -> list[str]:
        """Return at most three further options, with a name that resembles the right one if there is one."""
        values = {str(one.facts[attribute]) for one in self.world.by_kind[thing.kind] if attribute in one.facts}
        near: list[str] = []
        if attribute in LINKS[thing.kind]:
            similar = self.world.things[right].similar
            near = [one.title for one in self.world.things.values() if one.similar == right or one.title == similar][:1]
        others = sorted(values - {right, *near})
        return [*near, *self.chance.sample(others, min(len(others), _OPTIONS - 1 - len(near)))]

    def _described(self, kind: str) -> tuple[Thing, str, tuple[Fact, ...]]:
        """Return a thing of a kind, a phrase that leads to it from another page, and the fact of that page."""
        ways = [(source, attribute) for source, links in LINKS.items() for attribute, to in links.items() if to == kind]
        source, attribute = self.chance.choice(ways)
        start = self._thing(source, attribute)
        return self.world.follow(start, attribute), self._phrase(start, attribute), ((start.title, attribute),)

    def _phrase(self, thing: Thing, attribute: str) -> str:
        return self._choose(self.words["phrases"][thing.kind][attribute]).format(x=thing.subject)

    def _pair(self, fits: Callable[[str, str], bool]) -> tuple[str, str]:
        """Return a kind and an attribute that can be asked for."""
        pairs = [
            (kind, one) for kind, attributes in self.words["questions"].items() for one in attributes if fits(kind, one)
        ]
        return self.chance.choice(pairs)

    def _thing(self, kind: str, attribute: str) -> Thing:
        return self.chance.choice([one for one in self.world.by_kind[kind] if attribute in one.facts])

    def _choose(self, templates: list[str]) -> str:
        return self.chance.choice(templates)


def _names(thing: Thing) -> tuple[str, ...]:
    """Return the names by which an answer may call a thing."""
    names = [thing.name, thing.title]
    if thing.kind == "river":
        names += [f"River {thing.name}", f"{thing.name} River"]
    return tuple(dict.fromkeys(names))
