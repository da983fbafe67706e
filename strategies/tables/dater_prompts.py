"""The prompts of Dater: columns, rows, sub-questions with gaps, their queries, and the answer."""

from __future__ import annotations

from reasoning.prompts import Demonstration, Prompt
from reasoning.strategies.tables.example_tables import PRIZES
from reasoning.strategies.tables.table_text import column_values, create_statement, numbered_rows, with_title
from reasoning.tables_sql import Table

_LEAGUE = Table.of(
    [
        ["Date", "Opponent", "Result", "Attendance", "Referee, country"],
        ["3 May 2014", "Astra", "won 3–1", "4,210", "Novak, CZ"],
        ["17 May 2014", "Borea", "lost 0–2", "3,980", "Rossi, IT"],
        ["1 June 2014", "Celtis", "won 2–0", "5,115", "Novak, CZ"],
        ["22 June 2014", "Astra", "won 1–0", "4,770", "Lund, DK"],
    ],
    title="Matches of FC Delta",
)
_WINS = "Did FC Delta win more matches in June than in May?"
_BOOK = "For which book did Ada Brook win the prize the second time?"
_PAGES = "How many more books of over 250 pages won than shorter ones?"


def _asked(table: str, question: str, end: str = "") -> str:
    return f"{table}\n\nQuestion: {question}{end}"


def _rows(table: Table) -> str:
    return with_title(table, numbered_rows(table))


COLUMNS = Prompt(
    objective="Choose the columns of a table that are needed to answer a question.",
    instructions="Each line is a column: its name, then its first values. Link the words of the question to names and "
    "values, and name every column that is needed to find rows, to compare or to answer.",
    output_format="A sentence for each link, then a last line: The answer is: f_col([column, column])",
    input=_asked("{table}", "{asked}"),
    examples=(
        Demonstration(
            _asked(column_values(_LEAGUE), _WINS),
            '"Win" links to the values of Result.\n"June" and "May" link to the values of Date.\n'
            "The answer is: f_col([Date, Result])",
        ),
        Demonstration(
            _asked(column_values(PRIZES), _BOOK),
            '"Book" links to the column Book.\n"Ada Brook" links to a value of Winner.\n"The second time" links to '
            "Year.\nThe answer is: f_col([Year, Winner, Book])",
        ),
    ),
)
ROWS = Prompt(
    objective="Choose the rows of a table that are needed to answer a question.",
    instructions="Name every row that the answer depends on. Where all rows must be counted or compared, write *.",
    output_format="A sentence that says why, then a last line: The answer is: f_row([row 1, row 4]), or f_row([*]) for "
    "all rows.",
    input=_asked("{table}", "{asked}"),
    examples=(
        Demonstration(
            _asked(_rows(PRIZES), _BOOK),
            "The rows of Ada Brook tell it.\nThe answer is: f_row([row 1, row 3])",
        ),
        Demonstration(
            _asked(_rows(_LEAGUE), _WINS),
            "All matches have to be looked at.\nThe answer is: f_row([*])",
        ),
    ),
)
CLOZE = Prompt(
    objective="Take a question about a table apart into statements with one number missing in each.",
    instructions="Where the answer depends on numbers that have to be counted or calculated, write a statement for "
    "each number, with what is missing in braces, as a question with how many. Write none only where no number is "
    "needed.",
    output_format="One statement a line, each with one pair of braces; or: none",
    input=_asked("The columns: {columns}", "{asked}"),
    examples=(
        Demonstration(_asked("The columns: Year, Winner, Book, Pages", _BOOK), "none"),
        Demonstration(
            _asked("The columns: Date, Opponent, Result, Attendance", _WINS),
            "In June FC Delta won {how many matches were won in June?} matches\n"
            "In May FC Delta won {how many matches were won in May?} matches",
        ),
        Demonstration(
            _asked("The columns: Year, Winner, Book, Pages", _PAGES),
            "{how many books have over 250 pages?} books of over 250 pages won\n"
            "{how many books have 250 pages or fewer?} books of 250 pages or fewer won",
        ),
    ),
)
QUERIES = Prompt(
    objective="Write a query in SQL for SQLite for each missing number. The table is called w.",
    instructions="The queries run on the whole table, of which the first rows are shown. Each selects one number. "
    "Names of columns stand in backticks.",
    output_format="A numbered list: one query a line, in the order of the statements.",
    input="{table}\n\nThe statements:\n{statements}",
    examples=(
        Demonstration(
            f"{create_statement(_LEAGUE, 3)}\n\nThe statements:\n"
            "1. In June FC Delta won {how many matches were won in June?} matches\n"
            "2. In May FC Delta won {how many matches were won in May?} matches",
            "1. SELECT COUNT(*) FROM w WHERE `Result` LIKE 'won%' AND strftime('%m', `Date`) = '06'\n"
            "2. SELECT COUNT(*) FROM w WHERE `Result` LIKE 'won%' AND strftime('%m', `Date`) = '05'",
        ),
        Demonstration(
            f"{create_statement(PRIZES, 3)}\n\nThe statements:\n"
            "1. {how many books have over 250 pages?} books of over 250 pages won",
            "1. SELECT COUNT(*) FROM w WHERE `Pages` > 250",
        ),
    ),
)
ANSWER = Prompt(
    objective="Answer a question about a table.",
    instructions="The rows and columns that the question needs are shown, under their numbers in the whole table. "
    "Where numbers of the whole table are told, they have been computed: take them for right.",
    input="{table}\n\n{facts}Question: {asked}",
    recap="Think step by step. {instruction}",
)
