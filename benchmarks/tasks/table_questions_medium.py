"""Medium questions: conditions, comparisons and aggregates."""

from __future__ import annotations

from reasoning.benchmarks.tasks.table_material import HIGHEST, Draft, Material
from reasoning.kinds import Choice, Number, Text, YesNo
from reasoning.tables_sql.quoting import quote_name as quote
from reasoning.tables_sql.quoting import quote_text as text


def count(m: Material) -> Draft:
    value = m.value
    question = m.say(
        "For how many {many} is the {noun} above {value}?",
        "Count the {many} whose {noun} is more than {value}.",
        "How many of the {many} have more than {value} as their {noun}?",
        value=value,
    )
    return Draft(question, f"SELECT count(*) FROM w WHERE {m.column} > {m.number(value)}", Number())


def count_in_group(m: Material) -> Draft:
    value = m.value
    question = m.say(
        "For how many {many} {of_group} is the {noun} at most {value}?",
        "Count the {many} {of_group} whose {noun} is not above {value}.",
        value=value,
    )
    return Draft(question, f"SELECT count(*) FROM w WHERE {m.in_group} AND {m.column} <= {m.number(value)}", Number())


def extreme_in_group(m: Material) -> Draft:
    word, function, _ = m.chance.choice(HIGHEST)
    question = m.say(
        "Among the {many} {of_group}, which one has the {word} {noun}?",
        "Which of the {many} {of_group} has the {word} {noun}?",
        word=word,
    )
    best = f"(SELECT {function}({m.column}) FROM w WHERE {m.in_group})"
    return Draft(question, f"SELECT {m.key} FROM w WHERE {m.in_group} AND {m.column} = {best}", Text())


def total_in_group(m: Material) -> Draft:
    question = m.say(
        "What is the total {noun}{unit} of all {many} {of_group}?",
        "Add up the {noun} of every {one} {of_group}. What is the sum{unit}?",
    )
    return Draft(question, f"SELECT sum({m.column}) FROM w WHERE {m.in_group} HAVING count(*) > 1", Number())


def average_in_group(m: Material) -> Draft:
    question = m.say(
        "What is the average {noun}{unit} of the {many} {of_group}? Round to one decimal.",
        "Take all {many} {of_group}. What is the mean of their {noun}{unit}, to one decimal?",
    )
    return Draft(question, f"SELECT round(avg({m.column}), 1) FROM w WHERE {m.in_group} HAVING count(*) > 1", Number())


def compare(m: Material) -> Draft:
    first, second = m.chance.sample(m.names, 2)
    question = m.say(
        "Is the {noun} of {first} higher than that of {second}?",
        "Does {first} have a higher {noun} than {second}?",
        first=first,
        second=second,
    )
    return Draft(question, f"SELECT {_of(m, first)} > {_of(m, second)}", YesNo())


def difference(m: Material) -> Draft:
    first, second = m.chance.sample(m.names, 2)
    question = m.say(
        "By how much does the {noun} of {first} differ from that of {second}{unit}?",
        "How far apart are {first} and {second} in their {noun}{unit}?",
        first=first,
        second=second,
    )
    return Draft(question, f"SELECT abs({_of(m, first)} - {_of(m, second)})", Number())


def extreme_of_four(m: Material) -> Draft:
    options = m.chance.sample(m.names, 4)
    word, function, _ = m.chance.choice(HIGHEST)
    question = m.say("Which of these {many} has the {word} {noun}?", word=word)
    among = f"{m.key} IN ({', '.join(map(text, options))})"
    best = f"(SELECT {function}({m.column}) FROM w WHERE {among})"
    return Draft(question, f"SELECT {m.key} FROM w WHERE {among} AND {m.column} = {best}", Choice(options))


def first_in_group(m: Material) -> Draft:
    word, function = m.chance.choice([("first", "min"), ("last", "max")])
    date = quote(m.domain.date)
    question = m.say("Which of the {many} {of_group} {dated} {word}?", word=word)
    best = f"(SELECT {function}({date}) FROM w WHERE {m.in_group})"
    return Draft(question, f"SELECT {m.key} FROM w WHERE {m.in_group} AND {date} = {best}", Text())


def count_dates(m: Material) -> Draft:
    year = m.chance.choice(m.table.column(m.domain.date)).year  # type: ignore[union-attr]
    question = m.say(
        'In how many rows is the date in the column "{date}" before 1 January {year}?',
        'How many of the {many} have a date before the year {year} in the column "{date}"?',
        year=year,
        date=m.domain.date,
    )
    return Draft(question, f"SELECT count(*) FROM w WHERE {quote(m.domain.date)} < '{year}-01-01'", Number())


def _of(m: Material, name: str) -> str:
    return f"(SELECT {m.column} FROM w WHERE {m.key} = {text(name)})"
