"""The prompts of Chain-of-Table: the plan, the arguments of each operation, and the final question."""

from __future__ import annotations

from collections.abc import Mapping

from reasoning.prompts import Demonstration, Prompt
from reasoning.strategies.tables.example_tables import PRIZES
from reasoning.strategies.tables.table_operations import ADD_COLUMN, GROUP_BY, SELECT_COLUMN, SELECT_ROW, SORT_BY
from reasoning.strategies.tables.table_text import column_values, numbered_rows, with_title
from reasoning.tables_sql import Table

DESCRIPTIONS: Mapping[str, str] = {
    ADD_COLUMN: "f_add_column(name): if the question asks about a part of the cells of a column, such as the country "
    'in "Ines Duarte (POR)", add a column with that part. Example: "Which country has most runners?" -> '
    "f_add_column(Country)",
    SELECT_ROW: "f_select_row(row 2, row 5): if only some rows matter, keep these. Example: "
    '"Who won in 1999 and in 2001?" -> f_select_row(row 2, row 4)',
    SELECT_COLUMN: "f_select_column(name, name): if only some columns matter, keep these. Example: "
    '"In which year did Ada Brook win?" -> f_select_column(Year, Winner)',
    GROUP_BY: "f_group_by(name): if rows with the same value must be counted, group by that column. Example: "
    '"How many prizes did each winner get?" -> f_group_by(Winner)',
    SORT_BY: "f_sort_by(name): if the order of the rows or an extreme matters, sort by a column of numbers. Example: "
    '"Which book is the longest?" -> f_sort_by(Pages)',
}
"""The operations as the plan's prompt describes them; only those that may come next are shown."""

_RACE = Table.of(
    [
        ["Place", "Runner", "Club", "Time (min)"],
        ["1", "Ines Duarte (POR)", "Porto AC", "158"],
        ["2", "Mara Klein (GER)", "SV Mainz", "160"],
        ["3", "Hanna Virtanen (FIN)", "Turku", "161"],
        ["4", "Rita Alves (POR)", "Braga", "163"],
    ],
    title="City marathon",
)
_COUNTRY = "Which country has the most runners among the first four?"
_LONGEST = "What is the longest book that won after 1998?"


def _shown(table: Table, rows: int | None = None) -> str:
    return with_title(table, numbered_rows(table, range(len(table.rows))[:rows]))


def _asked(table: str, question: str, end: str) -> str:
    return f"{table}\n\nQuestion: {question}\n{end}"


_NEXT = "The next operation must be one of {allowed}.\nFunction chain:{chain}"
PLAN = Prompt(
    objective="Plan how to change a table, one operation after the other, until it shows the answer to a question.",
    instructions="The operations:\n{operations}\n<END>: if the table is ready for the question.",
    output_format="The rest of the function chain and nothing else, such as: f_select_row(row 1, row 2) -> <END>",
    input=_asked("{table}", "{asked}", _NEXT),
    examples=(
        Demonstration(
            _asked(
                _shown(_RACE),
                _COUNTRY,
                "The next operation must be one of f_add_column, f_select_row, f_select_column, f_group_by, f_sort_by."
                "\nFunction chain:",
            ),
            "f_add_column(Country) -> f_select_row(row 1, row 2, row 3, row 4) -> f_group_by(Country) -> <END>",
        ),
        Demonstration(
            _asked(
                _shown(PRIZES.select_rows([1, 2, 3])),
                _LONGEST,
                "The next operation must be one of f_select_column, f_group_by, f_sort_by, <END>."
                "\nFunction chain: f_select_row(row 2, row 3, row 4) ->",
            ),
            "f_select_column(Book, Pages) -> f_sort_by(Pages) -> <END>",
        ),
    ),
)
ADD = Prompt(
    objective="Name a new column that helps to answer a question about a table, and take its values from the cells.",
    instructions="A value is a part of a cell of the same row, copied as it stands.",
    output_format="One line: f_add_column(name). The values: value of row 1 | value of row 2 | value of row 3",
    input=_asked("{table}", "{asked}", "Function:"),
    examples=(
        Demonstration(
            _asked(_shown(_RACE, 3), _COUNTRY, "Function:"), "f_add_column(Country). The values: POR | GER | FIN"
        ),
        Demonstration(
            _asked(_shown(PRIZES, 3), "Which family name won most often?", "Function:"),
            "f_add_column(Family name). The values: Brook | Veld | Brook",
        ),
    ),
)
FILL = Prompt(
    objective="Take the values of a new column from the cells of a table.",
    instructions="A value is a part of a cell of its own row, copied as it stands. The first rows show which part.",
    output_format="A line for every row without a value: its row_id, a bar | and the value.",
    input="The new column: {column}\nRows with their values:\n{known}\n\nRows without a value:\n{rows}",
    examples=(
        Demonstration(
            "The new column: Country\nRows with their values:\n1 | 1 | Ines Duarte (POR) | Porto AC => POR\n"
            "2 | 2 | Mara Klein (GER) | SV Mainz => GER\n\nRows without a value:\n"
            "row_id | Place | Runner | Club\n3 | 3 | Lena Holm (SWE) | Kiruna\n4 | 4 | Rita Alves (POR) | Braga",
            "3 | SWE\n4 | POR",
        ),
    ),
)
ROWS = Prompt(
    objective="Choose the rows of a table that are needed to answer a question.",
    output_format="A sentence that says why, then a last line: The answer is: f_select_row([row 2, row 3]), or "
    "f_select_row([*]) if all rows are needed.",
    input=_asked("{table}", "{asked}", "Which rows are needed?"),
    examples=(
        Demonstration(
            _asked(_shown(PRIZES), _LONGEST, "Which rows are needed?"),
            "The books that won after 1998 are in the rows with the years 1999, 2000 and 2001.\n"
            "The answer is: f_select_row([row 2, row 3, row 4])",
        ),
    ),
)
COLUMNS = Prompt(
    objective="Choose the columns of a table that are needed to answer a question.",
    instructions="Each line is a column: its name, then its first values.",
    output_format="A sentence that links the words of the question to columns, then a last line: "
    "The answer is: f_select_column([column, column])",
    input=_asked("{table}", "{asked}", "Which columns are needed?"),
    examples=(
        Demonstration(
            _asked(column_values(PRIZES), _LONGEST, "Which columns are needed?"),
            '"Longest" links to Pages, "book" to Book, and "after 1998" to Year.\n'
            "The answer is: f_select_column([Year, Book, Pages])",
        ),
    ),
)
GROUP = Prompt(
    objective="Choose the column by which the rows of a table are grouped and counted to answer a question.",
    output_format="One line: f_group_by(column)",
    input=_asked("{table}", "{asked}", "Function:"),
    examples=(
        Demonstration(
            _asked(_shown(PRIZES, 3), "Which author won the prize most often?", "Function:"), "f_group_by(Winner)"
        ),
    ),
)
SORT = Prompt(
    objective="Choose the column by which the rows of a table are sorted to answer a question, and the order.",
    output_format='One line: f_sort_by(column). The order: "small to large", or f_sort_by(column). The order: "large '
    'to small"',
    input=_asked("{table}", "{asked}", "Function:"),
    examples=(
        Demonstration(
            _asked(_shown(PRIZES, 3), _LONGEST, "Function:"), 'f_sort_by(Pages). The order: "large to small"'
        ),
        Demonstration(
            _asked(_shown(_RACE, 3), "Who was the fastest runner?", "Function:"),
            'f_sort_by(Time (min)). The order: "small to large"',
        ),
    ),
)
QUERY = Prompt(
    objective="Answer a question about a table. It shows what the question needs.",
    input="{table}\n\nQuestion: {asked}",
    recap="Think step by step. {instruction}",
)
