"""Word problems with an irrelevant sentence, generated from a seed: GSM-IC (Shi et al. 2023, arXiv 2302.00093)."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, product

from reasoning.benchmarks.tasks.task import BY_KIND, GENERATED
from reasoning.kinds import Number
from reasoning.problem import Example, Problem

_NAMES = (
    *("Amara", "Bruno", "Chidi", "Dalia", "Emil", "Farah", "Goran", "Hanna", "Ivo", "Jarek", "Keiko", "Liora"),
    *("Mateo", "Nadia", "Oskar", "Pilar", "Quinn", "Rashid", "Sofia", "Tomas", "Uma", "Viktor", "Wanda", "Yusuf"),
)
_RELATIVES = ("aunt", "brother", "cousin", "father", "mother", "neighbour", "sister", "uncle")
_OFF_TOPIC = (
    "The shoes of {role} weigh {number} grams.",
    "{role} is {number} centimetres tall.",
    "{role} lives {number} metres from a lighthouse.",
    "The house of {role} has the number {number}.",
    "The telephone of {role} holds {number} songs.",
)


@dataclass(frozen=True)
class _Template:
    """A word problem of at least two steps.

    Attributes:
        story: its sentences before the question, with placeholders.
        question: the question, which is the last sentence.
        numbers: the values that each placeholder may have.
        answer: returns the answer, given the numbers by name.
        in_topic: sentences about the same matter that change nothing, with {role} and {number}.
    """

    story: str
    question: str
    numbers: dict[str, range]
    answer: Callable[..., int]
    in_topic: tuple[str, ...]


_TEMPLATES = (
    _Template(
        "{name} bakes {trays} trays of {rolls} rolls every morning. The family eats {eaten} of the rolls, and {name} "
        "sells the others for {price} dollars each.",
        "How many dollars does {name} earn with the rolls of one morning?",
        {"trays": range(3, 9), "rolls": range(10, 25), "eaten": range(4, 20), "price": range(2, 6)},
        lambda trays, rolls, eaten, price: (trays * rolls - eaten) * price,
        ("{role} baked {number} cakes last year.", "The oven of {role} is {number} days old."),
    ),
    _Template(
        "{name} reads {pages} pages of a novel every evening from Monday to Friday, and {more} pages on Saturday.",
        "How many pages of the novel does {name} read in {weeks} such weeks?",
        {"pages": range(8, 30), "more": range(31, 60), "weeks": range(2, 6)},
        lambda pages, more, weeks: (5 * pages + more) * weeks,
        ("{role} has a dictionary of {number} pages.", "The bookshelf of {role} holds {number} comics."),
    ),
    _Template(
        "{name} saves {saved} dollars a week for {weeks} weeks, and then spends half of the savings on a coat.",
        "How many dollars of the savings does {name} still have?",
        {"saved": range(6, 40, 2), "weeks": range(3, 15)},
        lambda saved, weeks: saved * weeks // 2,
        ("{role} once paid {number} dollars for a jacket.", "{role} earned {number} dollars last summer."),
    ),
    _Template(
        "A farm has {cows} cows and {times} times as many sheep. {name} shears all the sheep, and each gives {wool} "
        "kilograms of wool.",
        "How many kilograms of wool does {name} get?",
        {"cows": range(5, 30), "times": range(2, 7), "wool": range(3, 8)},
        lambda cows, times, wool: cows * times * wool,
        ("{role} keeps {number} geese.", "The tractor of {role} has run for {number} hours."),
    ),
    _Template(
        "{name} drives {first} kilometres in the morning and twice as far in the afternoon. The car needs {litres} "
        "litres of petrol for every 10 kilometres.",
        "How many litres of petrol does {name} need for the whole day?",
        {"first": range(20, 130, 10), "litres": range(2, 5)},
        lambda first, litres: 3 * first // 10 * litres,
        ("The tank of {role}'s lorry holds {number} litres.", "{role} walked {number} kilometres in May."),
    ),
    _Template(
        "{name} buys {packs} packs of {pencils} pencils for a school. There are {classes} classes, and each of them "
        "gets {given} pencils.",
        "How many pencils are left?",
        {"packs": range(12, 25), "pencils": range(10, 21), "classes": range(2, 7), "given": range(8, 20)},
        lambda packs, pencils, classes, given: packs * pencils - classes * given,
        ("{role} gave {number} crayons to a kindergarten.", "{role} sharpened {number} pencils at home in March."),
    ),
    _Template(
        "{name} plants {rows} rows of {bulbs} tulips. Mice eat {eaten} of them in winter, and in spring {name} picks "
        "{picked} of those that are left.",
        "How many tulips stay in the garden?",
        {"rows": range(5, 12), "bulbs": range(9, 20), "eaten": range(3, 15), "picked": range(4, 25)},
        lambda rows, bulbs, eaten, picked: rows * bulbs - eaten - picked,
        ("The garden of {role} has {number} rose bushes.", "{role} watered the lawn for {number} minutes."),
    ),
    _Template(
        "{name} swims {lengths} lengths of a pool that is {metres} metres long on every day from Monday to Thursday. "
        "On Friday {name} swims {last} metres in the lake.",
        "How many metres does {name} swim in these five days?",
        {"lengths": range(4, 21), "metres": range(20, 55, 5), "last": range(200, 900, 50)},
        lambda lengths, metres, last: 4 * lengths * metres + last,
        ("{role} once dived for {number} seconds.", "The swimming club of {role} has {number} members."),
    ),
    _Template(
        "{name} has {stamps} stamps and gives {given} of them to each of {friends} friends. Then {name} buys an album "
        "with {bought} more stamps.",
        "How many stamps does {name} have now?",
        {"stamps": range(80, 200), "given": range(3, 12), "friends": range(2, 7), "bought": range(10, 60)},
        lambda stamps, given, friends, bought: stamps - given * friends + bought,
        ("{role} collects coins and has {number} of them.", "{role} sent {number} letters last year."),
    ),
    _Template(
        "A cinema has {rows} rows of {seats} seats. {name} sells a ticket for each seat but {empty}, at {price} "
        "dollars a ticket.",
        "How many dollars does {name} take for the tickets?",
        {"rows": range(6, 15), "seats": range(8, 20), "empty": range(5, 30), "price": range(4, 12)},
        lambda rows, seats, empty, price: (rows * seats - empty) * price,
        ("{role} has seen {number} films.", "The longest film that {role} knows lasts {number} minutes."),
    ),
    _Template(
        "{name} works {hours} hours a day on {days} days of the week for {wage} dollars an hour, and pays {rent} "
        "dollars for a room.",
        "How many dollars of the week's wage are left for {name}?",
        {"hours": range(5, 9), "days": range(4, 6), "wage": range(12, 25), "rent": range(90, 180, 5)},
        lambda hours, days, wage, rent: hours * days * wage - rent,
        ("The desk of {role} cost {number} dollars.", "{role} went on holiday {number} weeks ago."),
    ),
    _Template(
        "{name} picks {baskets} baskets of apples with {apples} apples in each. A third of all apples go to a press, "
        "and {name} puts the others into bags of {bag}.",
        "How many bags does {name} fill?",
        {"baskets": range(6, 19, 6), "apples": range(20, 61, 10), "bag": range(4, 6)},
        lambda baskets, apples, bag: baskets * apples * 2 // 3 // bag,
        ("{role} picked {number} plums last week.", "The oldest pear tree of {role} bore {number} pears."),
    ),
)


@dataclass(frozen=True)
class IrrelevantContext:
    """Word problems, each also in eight variants with one irrelevant sentence before the question.

    The variants cross the three factors of the paper: the sentence is about the problem's matter or not, names the
    problem's person ("the aunt of Amara") or another one, and has a number in the range of the problem's numbers or
    far above. A base problem comes first, and its name is the family of its variants, so a run shows
    micro, macro and normalised accuracy; see `reasoning.benchmarks.analysis.metrics`. Nine problems are
    a family: choose a multiple of nine as the limit.

    The paper's base problems are 100 of GSM8K; these are of our own templates with numbers from the seed.
    """

    name = "gsm_ic"
    split = ""
    kind = Number.name
    scorer = BY_KIND
    source = "generated from a seed"
    licence = "Apache-2.0"
    canary = ""
    contamination = GENERATED
    seeded = True
    size = math.inf

    def version(self) -> str:
        return "1"

    def load(self, limit: int, seed: int) -> list[Example]:
        return list(islice(_examples(seed), limit))


GSM_IC = IrrelevantContext()


def _examples(seed: int) -> Iterator[Example]:
    number = 0
    while True:
        # Each template is used once before any is used again.
        for template in random.Random(f"gsm_ic {seed} {number}").sample(_TEMPLATES, len(_TEMPLATES)):
            number += 1
            yield from _family(template, f"gsm_ic-{seed}-{number:04d}")


def _family(template: _Template, family: str) -> Iterator[Example]:
    """Yield a base problem and its variants."""
    chance = random.Random(family)
    name, other = chance.sample(_NAMES, 2)
    numbers = {word: chance.choice(values) for word, values in template.numbers.items()}
    answer = template.answer(**numbers)
    story, question = (text.format(name=name, **numbers) for text in (template.story, template.question))
    own = set(map(int, re.findall(r"\d+", f"{story} {question}")))
    # The problem's own numbers and its answer would make the sentence look relevant.
    taken, highest = {answer, *own}, max(own)
    # Two more on both sides, so that some value is left if all numbers are equal.
    within = [value for value in range(max(2, min(own) - 2), highest + 3) if value not in taken]
    beyond = [value for value in range(20 * highest, 60 * highest) if value not in taken]

    def example(suffix: str, *sentences: str) -> Example:
        problem = Problem(" ".join((story, *sentences, question)), Number(), id=f"{family}{suffix}")
        return Example(problem, str(answer), family=family)

    yield example("")
    relative = f"the {chance.choice(_RELATIVES)} of {name}"
    factors = product(
        (("in_topic", template.in_topic), ("off_topic", _OFF_TOPIC)),
        (("same_role", relative), ("other_role", other)),
        (("in_range", within), ("out_of_range", beyond)),
    )
    for (topic, sentences), (role, who), (size, values) in factors:
        sentence = chance.choice(sentences).format(role=who, number=chance.choice(values))
        yield example(f"-{topic}-{role}-{size}", sentence[0].upper() + sentence[1:])
