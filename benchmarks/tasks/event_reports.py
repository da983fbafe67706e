"""A task of summarising the common events of several reports: generated from a seed, scored exactly."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import partial

from reasoning.benchmarks.tasks.task import GENERATED
from reasoning.kinds import Text
from reasoning.problem import Example, Problem

QUESTION = (
    "These are three reports of one day. Sum up in two sentences what at least two of them tell, with the places, and "
    "leave out what only one of them tells."
)
_REPORTS, _SHARED, _ALONE = 3, 2, 1

_PLACES = (
    *("Arlen", "Brackley", "Corvo", "Dunmere", "Elsin", "Farholt", "Gravik", "Hollin", "Istrad", "Jorvela"),
    *("Kelmar", "Lundby", "Mirov", "Norwick", "Ostrel", "Pellworm", "Quarn", "Rosvik", "Selby", "Torvald"),
)
_HAPPENINGS = (
    (
        "In {place}, a storm tore the roof off the school during the night.",
        "Gales left the school of {place} without its roof.",
        "Pupils in {place} stay at home: the wind has carried off the roof of their school.",
    ),
    (
        "The old bridge of {place} has been closed, since one of its pillars has cracked.",
        "Nobody may cross the bridge in {place} any more: engineers found a broken pillar.",
        "A crack in a pillar has shut the bridge at {place} to all traffic.",
    ),
    (
        "{place} opened its new library, which stands where the station was.",
        "A library has been opened in the former station of {place}.",
        "Readers queued in {place}, where the station has become a library.",
    ),
    (
        "A burst pipe put the market square of {place} under water.",
        "The stalls in {place} stood knee-deep in water after a main had broken.",
        "Water from a broken pipe flooded the market of {place}.",
    ),
    (
        "The bakers of {place} went on strike for shorter nights.",
        "There was no bread in {place}, where the bakers have stopped work.",
        "Bakeries in {place} stayed shut: those who work there want shorter nights.",
    ),
    (
        "A bear walked through the gardens of {place} and ate the plums.",
        "People in {place} met a bear that was after the plums in their gardens.",
        "The plums of {place} are gone, and so is the bear that took them.",
    ),
    (
        "The mayor of {place} has resigned after eleven years.",
        "{place} must find a new mayor, as the old one has given up her office.",
        "After eleven years in office the mayor of {place} steps down.",
    ),
    (
        "A train stood still outside {place} for five hours, as its engine had failed.",
        "Passengers spent five hours in a broken train near {place}.",
        "Near {place} an engine gave out, and a whole train waited for five hours.",
    ),
    (
        "Divers found a bronze bell in the harbour of {place}.",
        "A bell of bronze has been lifted from the sea off {place}.",
        "The harbour of {place} has given up an old bell of bronze.",
    ),
    (
        "Lightning set a barn in {place} on fire, and all the cows were saved.",
        "All the cows came out unhurt when a barn in {place} burned after a stroke of lightning.",
        "A barn burned down in {place} after lightning had struck it; no cow was lost.",
    ),
)


@dataclass(frozen=True)
class EventReports:
    """Three reports of one day, with events that several reports tell, in different words, and one of each alone.

    A summary is right if it names the places of all events that two or more reports tell, and no other
    place.
    """

    name = "reports"
    split = ""
    kind = Text.name
    scorer = "names the places of all events that several reports tell, and no others"
    source = "generated from a seed"
    licence = "Apache-2.0"
    canary = ""
    contamination = GENERATED
    seeded = True
    size = math.inf

    def version(self) -> str:
        return "1"

    def load(self, limit: int, seed: int) -> list[Example]:
        return [_example(seed, number) for number in range(1, limit + 1)]


EVENT_REPORTS = EventReports()


def _example(seed: int, number: int) -> Example:
    chance = random.Random(f"reports {seed} {number}")
    happenings = chance.sample(_HAPPENINGS, _SHARED + _REPORTS * _ALONE)
    places = chance.sample(_PLACES, len(happenings))
    reports: list[list[str]] = [[] for _ in range(_REPORTS)]
    for index, (wordings, place) in enumerate(zip(happenings, places, strict=True)):
        if index < _SHARED:
            reporters = chance.sample(range(_REPORTS), chance.choice((2, 3)))
        else:
            reporters = [(index - _SHARED) % _REPORTS]
        for reporter, words in zip(reporters, chance.sample(wordings, len(reporters)), strict=True):
            reports[reporter].append(words.format(place=place))
    for report in reports:
        chance.shuffle(report)
    shared = places[:_SHARED]
    context = "\n---\n".join(" ".join(report) for report in reports)
    problem = Problem(QUESTION, Text(whole=True), context, id=f"reports-{seed}-{number:04d}")
    return Example(problem, "; ".join(shared), partial(_names_only, frozenset(shared)))


def _names_only(shared: frozenset[str], summary: str) -> bool:
    """Return whether the summary names these places and no other."""
    return {place for place in _PLACES if place.casefold() in summary.casefold()} == shared
