"""The invented rivers, towns, people, works, companies and buildings of the generated encyclopaedia."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

LINKS: Mapping[str, Mapping[str, str]] = {
    "river": {},
    "town": {"river": "river"},
    "person": {"birthplace": "town", "home": "town", "teacher": "person"},
    "work": {"creator": "person", "setting": "town"},
    "company": {"founder": "person", "seat": "town"},
    "building": {"architect": "person", "town": "town"},
}
"""For each kind of thing, the attributes whose values are things, with the kind of these."""
PAGES = {"easy": 120, "medium": 200, "hard": 300}
"""The number of pages at each level."""
_SHARES = {"river": 0.1, "town": 0.22, "work": 0.18, "company": 0.13, "building": 0.12}
"""The shares of the kinds of things; the rest are people."""
_HOMONYMS = 12
"""Pairs of things with one name at the hard level; a further page lists the two."""
_VOWELS = "aeiou"


@dataclass(frozen=True)
class Thing:
    """A thing that has a page.

    Attributes:
        name: the name.
        kind: a key of `LINKS`.
        role: what it is, such as "novel" or "architect".
        facts: the values by attribute: numbers, words, and titles of other things.
        similar: the title of a thing with a similar name; empty without one.
        is_ambiguous: whether another thing has the same name.
    """

    name: str
    kind: str
    role: str
    facts: Mapping[str, str | int]
    similar: str = ""
    is_ambiguous: bool = False

    @property
    def title(self) -> str:
        """The title of its page."""
        return f"{self.name} ({self.role})" if self.is_ambiguous else self.name

    @property
    def mention(self) -> str:
        """The name in a sentence, without an article before a river's; with the role if the name alone is ambiguous."""
        if not self.is_ambiguous:
            return self.name
        return (
            f"river {self.name}"
            if self.kind == "river"
            else f"the {self.role} {'of ' * (self.kind == 'town')}{self.name}"
        )

    @property
    def subject(self) -> str:
        """The name in a question."""
        return f"the {self.mention}" if self.kind == "river" else self.mention


@dataclass(frozen=True)
class World:
    """All things of one encyclopaedia, by title."""

    things: Mapping[str, Thing]

    @cached_property
    def by_kind(self) -> Mapping[str, list[Thing]]:
        """The things of each kind."""
        return {kind: [thing for thing in self.things.values() if thing.kind == kind] for kind in LINKS}

    def follow(self, thing: Thing, attribute: str) -> Thing:
        """Return the thing that is the value of an attribute."""
        return self.things[str(thing.facts[attribute])]

    def shown(self, thing: Thing, attribute: str) -> str:
        """Return the value of an attribute as a sentence has it."""
        value = thing.facts[attribute]
        if attribute in LINKS[thing.kind]:
            return self.things[str(value)].mention
        return f"{value:,}" if attribute == "population" else str(value)


@cache
def words() -> dict[str, Any]:
    """Return the names, sentences and phrases of `encyclopaedia.toml`."""
    path = resources.files("reasoning.benchmarks.tasks").joinpath("encyclopaedia.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def make_world(level: str, chance: random.Random) -> World:
    """Return the things of an encyclopaedia.

    Args:
        level: "easy", "medium" or "hard"; a harder one has more pages, and the hard one things with equal names.
        chance: the random generator.
    """
    return _Maker(level, chance).make()


class _Maker:
    def __init__(self, level: str, chance: random.Random) -> None:
        homonyms = _HOMONYMS if level == "hard" else 0
        pages = PAGES[level] - homonyms
        self.counts = {kind: round(pages * share) for kind, share in _SHARES.items()}
        self.counts["person"] = pages - sum(self.counts.values())
        # The first people share a name in pairs, and so do the first rivers and towns.
        self.shared_people, self.shared_places = 2 * (homonyms * 2 // 3), homonyms - homonyms * 2 // 3
        self.chance, self.words = chance, words()["names"]
        self.made: dict[str, list[Thing]] = {kind: [] for kind in LINKS}
        self.names: set[str] = set()
        self.countries = [self._new(self._country) for _ in range(3 + PAGES[level] // 40)]

    def make(self) -> World:
        for kind in LINKS:
            make: Callable[[int], Thing] = getattr(self, f"_{kind}")
            for number in range(self.counts[kind]):
                self.made[kind].append(make(number))
        return World({thing.title: thing for things in self.made.values() for thing in things})

    def _river(self, number: int) -> Thing:
        facts: dict[str, str | int] = {
            "length": self.chance.randrange(31, 900),
            "source": self.chance.choice(self.words["hills"]),
            "mouth": self.chance.choice(self.words["seas"]),
        }
        name, similar = self._named("river", lambda: self._word("place_starts", "place_middles", "river_ends"))
        return Thing(name, "river", "river", facts, similar, number < self.shared_places)

    def _town(self, number: int) -> Thing:
        facts: dict[str, str | int] = {
            "country": self.chance.choice(self.countries),
            "river": self._pick("river").title,
            "founded": self.chance.randrange(870, 1560),
            "population": self.chance.randrange(2_000, 90_000),
        }
        if number < self.shared_places:
            # A town on the river of its own name would give an answer away.
            own = self.made["river"][number]
            facts["river"] = self.chance.choice([river for river in self.made["river"] if river != own]).title
            return Thing(own.name, "town", "town", facts, "", True)
        name, similar = self._named("town", lambda: self._word("place_starts", "place_middles", "town_ends"))
        return Thing(name, "town", "town", facts, similar)

    def _person(self, number: int) -> Thing:
        professions = self.words["professions"]
        role = professions[number % len(professions)]
        birthplace, home = self.chance.sample(self.made["town"], 2)
        born = self.chance.randrange(1690, 1890)
        facts: dict[str, str | int] = {"born": born, "birthplace": birthplace.title, "home": home.title}
        people = self.made["person"]
        is_ambiguous = number < self.shared_people
        twin = people[-1] if is_ambiguous and number % 2 else None
        older = [one for one in people if one != twin and 15 <= born - int(one.facts["born"]) <= 60]
        if older:
            facts["teacher"] = self.chance.choice(older).title
        if twin:
            return Thing(twin.name, "person", role, facts, "", True)
        if is_ambiguous:
            return Thing(self._new(self._full_name), "person", role, facts, "", True)
        name, similar = self._named("person", self._full_name)
        return Thing(name, "person", role, facts, similar)

    def _work(self, number: int) -> Thing:
        forms: Mapping[str, str] = words()["works"]
        creator = self.chance.choice([one for one in self.made["person"] if one.role in forms])
        year = int(creator.facts["born"]) + self.chance.randrange(22, 60)
        facts: dict[str, str | int] = {"creator": creator.title, "year": year, "setting": self._pick("town").title}
        name, similar = self._named("work", lambda: f"The {self._word('work_firsts')} {self._word('work_seconds')}")
        return Thing(name, "work", forms[creator.role], facts, similar)

    def _company(self, number: int) -> Thing:
        founder = self._pick("person")
        founded = int(founder.facts["born"]) + self.chance.randrange(25, 60)
        facts: dict[str, str | int] = {"founder": founder.title, "founded": founded, "seat": self._pick("town").title}
        name, similar = self._named(
            "company", lambda: f"{self._word('place_starts', 'river_ends')} {self._word('products')}"
        )
        return Thing(name, "company", "company", facts, similar)

    def _building(self, number: int) -> Thing:
        architect = self.chance.choice([one for one in self.made["person"] if one.role in ("architect", "engineer")])
        opened = int(architect.facts["born"]) + self.chance.randrange(28, 65)
        facts: dict[str, str | int] = {"architect": architect.title, "town": self._pick("town").title, "opened": opened}
        name, similar = self._named(
            "building", lambda: f"{self._word('place_starts', 'place_middles', 'river_ends')} {self._word('buildings')}"
        )
        return Thing(name, "building", "building", facts, similar)

    def _pick(self, kind: str) -> Thing:
        return self.chance.choice(self.made[kind])

    def _new(self, make: Callable[[], str]) -> str:
        """Return a new name that no thing has."""
        while (name := make()) in self.names:
            pass
        self.names.add(name)
        return name

    def _named(self, kind: str, make: Callable[[], str]) -> tuple[str, str]:
        """Return a new name, and the title of the thing that it resembles: every fourth name resembles another."""
        others = [thing for thing in self.made[kind] if not thing.is_ambiguous]
        if others and self.chance.random() < 0.25:
            other = self.chance.choice(others)
            if (name := self._vary(other.name)) not in self.names:
                self.names.add(name)
                return name, other.title
        return self._new(make), ""

    def _vary(self, name: str) -> str:
        """Return a name with another vowel in its first word; the title of a work in the plural."""
        if name.startswith("The "):
            return f"{name}s"
        vowels = [index for index, letter in enumerate(name.split()[0]) if index and letter in _VOWELS]
        if not vowels:
            return name
        at = self.chance.choice(vowels)
        return name[:at] + self.chance.choice(_VOWELS.replace(name[at], "")) + name[at + 1 :]

    def _word(self, *parts: str) -> str:
        return "".join(self.chance.choice(self.words[part]) for part in parts)

    def _country(self) -> str:
        return self._word("place_starts", "place_middles", "country_ends")

    def _full_name(self) -> str:
        return f"{self._word('first_names')} {self._word('surname_starts', 'surname_middles', 'surname_ends')}"
