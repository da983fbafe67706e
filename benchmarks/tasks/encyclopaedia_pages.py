"""The pages of the generated encyclopaedia."""

from __future__ import annotations

import random

from reasoning.benchmarks.tasks.encyclopaedia_world import Thing, World, words
from reasoning.retrieval import Document


def write_pages(world: World, chance: random.Random) -> list[Document]:
    """Return a page for each thing, and one for each name that two things have, in the order of the titles.

    A page states every fact of its thing in one sentence each, in any order, among sentences that answer no question.
    """
    pages = [_page(world, thing, chance) for thing in world.things.values()]
    namesakes: dict[str, list[str]] = {}
    for thing in world.things.values():
        if thing.is_ambiguous:
            namesakes.setdefault(thing.name, []).append(thing.title)
    for name, titles in namesakes.items():
        pages.append(Document("\n".join([f"{name} may refer to:", *sorted(titles)]), title=name))
    return sorted(pages, key=lambda page: page.title)


def state(world: World, thing: Thing, attribute: str, template: str) -> str:
    """Return the sentence of a template about one fact."""
    sentence = template.format(s=_short(thing), v=world.shown(thing, attribute))
    return sentence[0].upper() + sentence[1:]


def _page(world: World, thing: Thing, chance: random.Random) -> Document:
    texts = words()
    role = chance.choice(texts["names"]["trades"]) if thing.kind == "town" else thing.role
    first = chance.choice(texts["first_sentences"][thing.kind]).format(
        t=thing.name, a="an" if role[0] in "aeiou" else "a", v=role
    )
    body = [
        state(world, thing, attribute, chance.choice(templates))
        for attribute, templates in texts["sentences"][thing.kind].items()
        if attribute in thing.facts
    ]
    body += chance.sample(texts["fillers"][thing.kind], 2)
    if thing.similar:
        note = chance.choice(texts["notes"]["not_related" if thing.kind == "person" else "confused"])
        body.append(note.format(s=_short(thing), v=thing.similar))
    chance.shuffle(body)
    return Document(" ".join([first, *body]), title=thing.title)


def _short(thing: Thing) -> str:
    return thing.name.split()[-1] if thing.kind == "person" else thing.name
