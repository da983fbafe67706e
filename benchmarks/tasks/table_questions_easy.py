"""Easy questions: one cell answers them."""

from __future__ import annotations

from reasoning.benchmarks.tasks.table_material import Draft, Material
from reasoning.kinds import Choice, Number, Text, YesNo
from reasoning.tables_sql.quoting import quote_name as quote
from reasoning.tables_sql.quoting import quote_text as text


def look_up(m: Material) -> Draft:
    name = m.name
    question = m.say(
        "What is the {noun} of {name}{unit}?",
        "Give the {noun}{unit} of {name}.",
        "According to the table, what is the {noun}{unit} of {name}?",
        name=name,
    )
    return Draft(question, f"SELECT {m.column} FROM w WHERE {m.key} = {text(name)}", Number())


def look_up_name(m: Material) -> Draft:
    value = m.value
    question = m.say(
        "For which {one} does the table give {value} as the {noun}?",
        "Which {one} is listed with {value} as its {noun}?",
        value=value,
    )
    return Draft(question, f"SELECT {m.key} FROM w WHERE {m.column} = {m.number(value)}", Text())


def look_up_group(m: Material) -> Draft:
    name = m.name
    question = m.say("Which {group} does the table state for {name}?", "What is the {group} of {name}?", name=name)
    sql = f"SELECT {quote(m.domain.group)} FROM w WHERE {m.key} = {text(name)}"
    return Draft(question, sql, Choice(m.chance.sample(m.domain.groups, 4)))


def look_up_year(m: Material) -> Draft:
    name = m.name
    question = m.say(
        'Which year does the column "{date}" give for {name}?',
        'In which year lies the date of {name} in the column "{date}"?',
        name=name,
        date=m.domain.date,
    )
    sql = f"SELECT CAST(strftime('%Y', {quote(m.domain.date)}) AS INTEGER) FROM w WHERE {m.key} = {text(name)}"
    return Draft(question, sql, Number())


def check(m: Material) -> Draft:
    name, value = m.name, m.value
    question = m.say(
        "Is the {noun} of {name} {value}?",
        "Does the table give {value} as the {noun} of {name}?",
        name=name,
        value=value,
    )
    return Draft(question, f"SELECT {m.column} = {m.number(value)} FROM w WHERE {m.key} = {text(name)}", YesNo())
