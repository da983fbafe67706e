"""The prompts of Binder: programs in SQL and in Python, and the model's answers that they call for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.strategies.tables.table_text import create_statement, create_statements, question_of
from reasoning.tables_sql import Table

_SHIPS = Table.of(
    [
        ["Ship", "Launched", "Length (m)", "Home port"],
        ["Aurelie", "1911", "61.5", "Bergen"],
        ["Belmonte", "1896", "58.0", "Nantes"],
        ["Fjord II", "1892", "39.2", "Oslo"],
        ["Tern", "1904", "48.7", "Gdansk"],
    ],
    title="Museum ships",
)
_FESTIVALS = Table.of(
    [
        ["Town", "Weather", "Visitors"],
        ["Visby", "heavy rain until noon", "4,100"],
        ["Lucca", "sunny", "9,300"],
        ["Bremen", "clear and cold", "12,050"],
        ["Dieppe", "storm, moved indoors", "2,700"],
    ],
    title="Festivals",
)
_RUNNERS = Table.of(
    [
        ["Runner", "Result", "Club"],
        ["Ines Duarte", "2:41:10 (4th)", "Porto AC"],
        ["Mara Klein", "2:39:58 (2nd)", "SV Mainz"],
        ["Hanna Virtanen", "2:44:02 (9th)", "Turku"],
    ],
    title="City marathon",
)
_PAINTERS = Table.of(
    [
        ["Painter", "Known for", "Works sold"],
        ["A. Moreau", "portraits of fishermen, boats in harbours", "31"],
        ["L. Sandberg", "mountains in snow", "54"],
        ["R. Okafor", "market scenes", "18"],
    ],
    title="Auction",
)
_DEMOS: Sequence[tuple[Table, str, str, str, str]] = (
    (
        _SHIPS,
        "How many of the ships were launched before 1900?",
        "The result is one number.",
        "SELECT COUNT(*) FROM w WHERE `Launched` < 1900",
        'ans = sum(1 for row in rows if row["Launched"] < 1900)',
    ),
    (
        _FESTIVALS,
        "How many people came to the festivals with bad weather?",
        "The result is one number.",
        "SELECT SUM(`Visitors`) FROM w WHERE QA(\"map@is this bad weather for a festival?\"; `Weather`) = 'yes'",
        'bad = qa_map(rows, "is this bad weather for a festival?", ["Weather"])\n'
        'ans = sum(row["Visitors"] for row, answer in zip(rows, bad) if answer == "yes")',
    ),
    (
        _RUNNERS,
        "Which runner came in first of those listed?",
        "The result is what the question asks for and nothing else.",
        'SELECT `Runner` FROM w ORDER BY QA("map@what is the place, as a number?"; `Result`) LIMIT 1',
        'places = qa_map(rows, "what is the place, as a number?", ["Result"])\n'
        'ans = min(zip(places, rows), key=lambda pair: pair[0])[1]["Runner"]',
    ),
    (
        _SHIPS,
        "Is the home port of the longest ship in the same country as Oslo?",
        "The result is one value: 1 for yes, 0 for no.",
        "SELECT QA(\"map@is this port in Norway?\"; `Home port`) = 'yes' FROM w ORDER BY `Length (m)` DESC LIMIT 1",
        'longest = max(rows, key=lambda row: row["Length (m)"])\n'
        'ans = qa_map([longest], "is this port in Norway?", ["Home port"])[0] == "yes"',
    ),
    (
        _PAINTERS,
        "Of the painters who sold more than 20 works, who is the one to ask for a picture of the sea?",
        "The result is what the question asks for and nothing else.",
        'QA("ans@which painter is the one to ask for a picture of the sea?"; '
        "SELECT `Painter`, `Known for` FROM w WHERE `Works sold` > 20)",
        'many = [row for row in rows if row["Works sold"] > 20]\n'
        'ans = qa_ans(many, "which painter is the one to ask for a picture of the sea?", ["Painter", "Known for"])',
    ),
)


def _input(table: str, question: str, form: str) -> str:
    return f"{table}\n\nQuestion: {question}\n{form}"


def _demonstrations(place: int, language: str) -> tuple[Demonstration, ...]:
    return tuple(
        Demonstration(_input(create_statement(demo[0], 3), demo[1], demo[2]), f"```{language}\n{demo[place]}\n```")
        for demo in _DEMOS
    )


SQL = Prompt(
    objective="Write an SQL query for SQLite that answers a question about the table w.",
    instructions="Use plain SQL wherever the cells can be compared and calculated with as they are. Where the cells of "
    'a column must be understood first, write QA("map@question"; `column`) in the place of a column: the question is '
    "then answered for each row. Only where no column can give the answer, write "
    'QA("ans@question"; SELECT …): the question is then answered from the rows of that query. A question stands in '
    "double quotes and contains none. Names of columns stand in backticks. Whole numbers are divided without a "
    "fraction: write `a` * 1.0 / `b`.",
    output_format="The query alone, in a block ```sql. It selects only what is asked for.",
    input=_input("{table}", "{asked}", "{form}"),
    examples=_demonstrations(3, "sql"),
)
PYTHON = Prompt(
    objective="Write a Python program that answers a question about a table.",
    instructions="The variable rows is a list with a dictionary for each row of the table, by column name; any "
    "other table is such a list under its own name. Use plain "
    "Python wherever the cells can be compared and calculated with as they are. Where the cells of a column must be "
    'understood first, call qa_map(rows, "question", ["column"]): it returns a list with the answer for each row. '
    'Only where no column can give the answer, call qa_ans(rows, "question", ["column", "column"]): it returns the '
    "answer from all these rows together. Both take any list of rows.",
    output_format="The program alone, in a block ```python. It sets the variable ans to what is asked for.",
    input=_input("{table}", "{asked}", "{form}"),
    examples=_demonstrations(4, "python"),
)
MAP = Prompt(
    objective="Answer one question about each row of a table.",
    instructions="Where the row itself does not tell, answer by what you know. Only where nothing can be said, write "
    "n/a.",
    output_format="A line for every row: its row_id, a bar | and the answer in as few words as possible: yes or no, a "
    "number without its unit, a name.",
    input="{rows}\n\nFor each row: {question}",
    examples=(
        Demonstration(
            "row_id | Weather\n1 | heavy rain until noon\n2 | sunny\n3 | storm, moved indoors\n\n"
            "For each row: is this bad weather for a festival?",
            "1 | yes\n2 | no\n3 | yes",
        ),
        Demonstration(
            "row_id | Result\n4 | 2:41:10 (4th)\n5 | did not finish\n7 | 2:39:58 (2nd)\n\n"
            "For each row: what is the place, as a number?",
            "4 | 4\n5 | n/a\n7 | 2",
        ),
        Demonstration(
            "row_id | Club\n1 | SV Mainz\n2 | Turku\n\nFor each row: in which country is this club?",
            "1 | Germany\n2 | Finland",
        ),
        Demonstration(
            "row_id | Home port\n1 | Bergen\n2 | Nantes\n3 | Oslo\n\nFor each row: is this port in Norway?",
            "1 | yes\n2 | no\n3 | yes",
        ),
    ),
)
ANSWER = Prompt(
    objective="Answer a question about the rows of a table.",
    output_format='One line: "The answer is" and the answer in as few words as possible; several answers with a bar | '
    "between them.",
    input="{rows}\n\n{question}",
    examples=(
        Demonstration(
            "Painter | Known for\nA. Moreau | portraits of fishermen, boats in harbours\n"
            "L. Sandberg | mountains in snow\n\nwhich painter is the one to ask for a picture of the sea?",
            "The answer is A. Moreau",
        ),
        Demonstration(
            "Town\nVisby\nLucca\nDieppe\n\nwhich of these towns are on the sea?", "The answer is Visby | Dieppe"
        ),
    ),
)


def fit_table(prompt: Prompt, tables: Mapping[str, Table], problem: Problem, max_chars: int) -> tuple[Prompt, str]:
    """Return a prompt and its text of the table so that both together are within a limit.

    The whole table is shown if it fits with one demonstration or more; demonstrations are left out
    from the end. If it does not fit, the first three rows are shown, with as many demonstrations as
    fit.

    Args:
        prompt: the prompt with all demonstrations.
        tables: the tables by name.
        problem: the problem.
        max_chars: the limit in characters.
    """
    used = len(question_of(problem)) + sum(map(len, prompt.sections.values()))
    cells = len(tables["w"].rows) * len(tables["w"].header)
    # A cell takes two characters or more.
    for rows in (None, 3) if 2 * cells <= max_chars else (3,):
        text = create_statements(tables, rows)
        for count in range(len(prompt.examples), min(len(prompt.examples), 1) - 1, -1):
            examples = prompt.examples[:count]
            if used + len(text) + sum(len(one.input) + len(one.reply) for one in examples) <= max_chars:
                return prompt.replace(examples=examples), text
    return prompt.replace(examples=()), create_statements(tables, 3)
