"""Hard questions: several steps, groups, and a second table."""

from __future__ import annotations

from reasoning.benchmarks.tasks.table_material import HIGHEST, Draft, Material
from reasoning.kinds import Choice, Number, Text, YesNo
from reasoning.tables_sql.quoting import quote_name as quote
from reasoning.tables_sql.quoting import quote_text as text


def best_group(m: Material) -> Draft:
    word, _, order = m.chance.choice(HIGHEST)
    group = quote(m.domain.group)
    question = m.say(
        "Add up the {noun} of the {many} for each {group}. Which {group} has the {word} total?",
        "Which {group} has the {word} total {noun} over all of its {many}?",
        word=word,
    )
    best = f"SELECT sum({m.column}) FROM w GROUP BY {group} ORDER BY 1 {order} LIMIT 1"
    return Draft(question, f"SELECT {group} FROM w GROUP BY {group} HAVING sum({m.column}) = ({best})", Text())


def above_own_average(m: Material) -> Draft:
    group = quote(m.domain.group)
    question = m.say(
        "For how many {many} is the {noun} above the average of all {many} of the same {group}?",
        "For each {group}, take the average {noun} of its {many}. How many {many} lie above that of their {group}?",
    )
    average = f"(SELECT avg({m.column}) FROM w b WHERE b.{group} = a.{group})"
    return Draft(question, f"SELECT count(*) FROM w a WHERE {m.column} > {average}", Number())


def difference_of_totals(m: Material) -> Draft:
    other = m.chance.choice([group for group in m.domain.groups if group != m.group])
    question = m.say(
        "What is the difference between the total {noun}{unit} of the {many} {of_group} and that of the {many} "
        "{of_other}? Give it without a sign.",
        of_other=m.domain.of_group.format(other),
    )
    totals = [
        f"(SELECT sum({m.column}) FROM w WHERE {quote(m.domain.group)} = {text(group)})" for group in (m.group, other)
    ]
    return Draft(question, f"SELECT abs({totals[0]} - {totals[1]})", Number())


def rank(m: Material) -> Draft:
    word, _, order = m.chance.choice(HIGHEST)
    place = m.chance.choice(["second", "third", "fourth"])
    offset = ["second", "third", "fourth"].index(place) + 1
    question = m.say(
        "Sort the {many} by {noun}, the {word} first. Which {one} is {place}?",
        "Which {one} is {place} when the {many} are ranked by {noun} from the {word} on?",
        word=word,
        place=place,
    )
    value = f"(SELECT {m.column} FROM w ORDER BY 1 {order} LIMIT 1 OFFSET {offset})"
    return Draft(question, f"SELECT {m.key} FROM w WHERE {m.column} = {value}", Text())


def other_measure_of_extreme(m: Material) -> Draft:
    other = m.chance.choice([one for one in m.domain.measures if one != m.measure])
    word, function, _ = m.chance.choice(HIGHEST)
    question = m.say(
        "Take the {one} with the {word} {noun} among those {of_group}. What is its {other}{other_unit}?",
        "What is the {other}{other_unit} of the {one} {of_group} that has the {word} {noun}?",
        word=word,
        other=other.noun,
        other_unit=other.unit and f" {other.unit}",
    )
    best = f"(SELECT {function}({m.column}) FROM w WHERE {m.in_group})"
    sql = f"SELECT {quote(other.column)} FROM w WHERE {m.in_group} AND {m.column} = {best}"
    return Draft(question, sql, Number())


def join_total(m: Material) -> Draft:
    which, sql = _of_kind(m)
    question = m.say(
        "What is the total {noun}{unit} of all {many} {which}?",
        "Add up the {noun} of the {many} {which}. What is the sum{unit}?",
        which=which,
    )
    return Draft(question, f"SELECT sum({m.column}) FROM w WHERE {sql} HAVING count(*) > 1", Number())


def join_extreme(m: Material) -> Draft:
    which, sql = _of_kind(m)
    word, function, _ = m.chance.choice(HIGHEST)
    question = m.say(
        "Which of the {many} {which} has the {word} {noun}?",
        "Among all {many} {which}, which one has the {word} {noun}?",
        word=word,
        which=which,
    )
    best = f"(SELECT {function}({m.column}) FROM w WHERE {sql})"
    return Draft(question, f"SELECT {m.key} FROM w WHERE {sql} AND {m.column} = {best}", Text())


def join_count(m: Material) -> Draft:
    second = m.domain.second
    limit = m.chance.choice(second.measure.values)
    which = second.above.format(f"{limit:,}")
    question = m.say("How many {many} are {which}?", "Count the {many} that are {which}.", which=which)
    if not second.above.startswith(("in ", "over ")):
        question = m.say("How many {many} {which} are there?", "Count the {many} {which}.", which=which)
    groups = f"SELECT {quote(m.domain.group)} FROM {second.name} WHERE {quote(second.measure.column)} > {limit}"
    return Draft(question, f"SELECT count(*) FROM w WHERE {quote(m.domain.group)} IN ({groups})", Number())


def join_compare(m: Material) -> Draft:
    first, second = m.chance.sample(m.domain.second.kinds, 2)
    phrases = [m.domain.second.of_kind.format(kind) for kind in (first, second)]
    question = m.say(
        "Is the total {noun} of the {many} {first} higher than that of the {many} {second}?",
        first=phrases[0],
        second=phrases[1],
    )
    totals = [f"(SELECT sum({m.column}) FROM w WHERE {_kind_is(m, kind)})" for kind in (first, second)]
    return Draft(question, f"SELECT {totals[0]} > {totals[1]}", YesNo())


def join_attribute(m: Material) -> Draft:
    word, function, _ = m.chance.choice(HIGHEST)
    column, noun = m.domain.second.kind
    question = m.say(
        "Take the {one} with the {word} {noun} of all. What is the {attribute} of its {group}?",
        "What is the {attribute} of the {group} to which the {one} with the {word} {noun} belongs?",
        word=word,
        attribute=noun,
    )
    best = f"SELECT {quote(m.domain.group)} FROM w WHERE {m.column} = (SELECT {function}({m.column}) FROM w)"
    sql = f"SELECT {quote(column)} FROM {m.domain.second.name} WHERE {quote(m.domain.group)} = ({best})"
    return Draft(question, sql, Choice(m.domain.second.kinds))


def _of_kind(m: Material) -> tuple[str, str]:
    """Return a phrase and a condition for the rows whose group has some value in the second table."""
    kind = m.chance.choice(m.domain.second.kinds)
    return m.domain.second.of_kind.format(kind), _kind_is(m, kind)


def _kind_is(m: Material, kind: str) -> str:
    second = m.domain.second
    groups = f"SELECT {quote(m.domain.group)} FROM {second.name} WHERE {quote(second.kind[0])} = {text(kind)}"
    return f"{quote(m.domain.group)} IN ({groups})"
