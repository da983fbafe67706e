"""One table in every form: nothing is lost, nothing in a cell is obeyed."""

from __future__ import annotations

import csv
import io

import pytest
from rich.text import Text

from reasoning.tables import Table, escape_csv, escape_latex, escape_pipes, pluralize, render_text

TABLE = Table(
    ("strategy", "accuracy", "cost"),
    (("cot", "41.7 %", "$0.01"), ("<b>|a_b", "", "local")),
    name="strategies",
    emphasized={0},
    legend=("cot = chain of thought",),
)


def test_in_a_terminal_columns_are_aligned_and_markup_is_shown() -> None:
    assert render_text(TABLE) == (
        "strategy  accuracy   cost\n"  #
        "cot         41.7 %  $0.01\n"
        "<b>|a_b             local"
    )
    assert "[bold]" in render_text(Table(("[bold]",), (("[red]x",),)))
    assert "\x1b" not in render_text(Table(("a",), (("\x1b[31mx",),)))


def test_in_a_narrow_terminal_names_wrap_and_numbers_do_not() -> None:
    table = Table(("strategy", "n"), (("a long name of a strategy", "1,000,000"),))
    assert "1,000,000" in render_text(table, width=20)
    cut = Table(("strategy", "n"), (("a long name of a strategy", "1"),), max_widths={0: 8})
    assert "a long …" in render_text(cut)


def test_markdown() -> None:
    assert TABLE.to_markdown() == (
        "| strategy | accuracy | cost |\n"
        "| --- | ---: | ---: |\n"
        "| **cot** | **41.7 %** | **$0.01** |\n"
        "| \\<b\\>\\|a_b |  | local |"
    )
    assert r"<b>\|a_b" in TABLE.to_markdown(escape_pipes)


def test_html_for_a_notebook_and_for_a_page() -> None:
    notebook = TABLE.to_html()
    assert '<tr style="font-weight:bold"><td style="text-align:left">cot</td>' in notebook
    assert "<b>" not in notebook
    page = TABLE.to_html(inline_styles=False, attributes=' class="sortable"', row_header=0)
    assert page.startswith('<table class="sortable"><thead><tr><th class="text" scope="col">strategy</th>')
    assert '<tr class="emphasized"><th class="text" scope="row">cot</th><td>41.7 %</td>' in page
    assert 'a_<wbr class="narrow">b' in page
    assert "style=" not in page


def test_latex() -> None:
    said = TABLE.to_latex("Accuracy & cost")
    assert r"\caption{Accuracy \& cost}" in said
    assert r"\label{tab:strategies}" in said
    assert r"\textbf{cot} & \textbf{41.7 \%} & \textbf{\$0.01} \\" in said
    assert r"\textless{}b\textgreater{}|a\_\allowbreak{}b &  & local" in said
    assert escape_latex("cot = chain of thought") in said


def test_csv_keeps_numbers_and_empty_cells() -> None:
    table = Table(("a", "b"), ((1 / 3, None), ('say "x"', "y,z")))
    rows = list(csv.reader(io.StringIO(table.to_csv())))
    assert rows == [["a", "b"], [repr(1 / 3), ""], ['say "x"', "y,z"]]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\n=1",
        " =1+1",
        "＝1",
        "－1+2",
        "+",
        "-x",
        "\x85=1",
    ],
)
def test_no_text_is_a_formula_in_csv(text: str) -> None:
    rows = list(csv.reader(io.StringIO(Table((text,), ((text,),)).to_csv(), newline="")))
    assert rows == [[f"'{text}"], [f"'{text}"]]


def test_a_carriage_return_begins_no_row_in_csv() -> None:
    assert Table(("a",), (("x\r=1",), ("\r=1",))).to_csv() == 'a\n"x\n=1"\n"\'\n=1"\n'


@pytest.mark.parametrize("value", ["-5", "+3.25", "-1e9", "4 = 4", "a-b", "", "'=1", -5, -0.5, None, "-inf", "x@y"])
def test_numbers_and_other_texts_stay_in_csv(value: str | float | None) -> None:
    assert escape_csv(value) == value


HOSTILE = "\x1b]52;c;\x07\u202e\x9b|<img src=x onerror=alert(1)>[a](javascript:b)\r\n# *x* \\input{/etc/passwd}$&"


def test_nothing_hostile_survives_in_any_format() -> None:
    table = Table((HOSTILE, "n"), ((HOSTILE, HOSTILE),), name="t", legend=(HOSTILE,))
    markdown, html, latex = table.to_markdown(), table.to_html(), table.to_latex(HOSTILE)
    for text in (markdown, html, latex, render_text(table), render_text(Text(HOSTILE))):
        assert not set(text) & set("\x1b\x07\u202e\x9b\r")
    assert len(markdown.splitlines()) == 3
    assert "<img" not in markdown.replace("\\<", "")
    assert "](" not in markdown.replace("\\](", "")
    assert "<img" not in html
    assert "\\input" not in latex


@pytest.mark.parametrize(("count", "text"), [(0, "0 problems"), (1, "1 problem"), (1200, "1,200 problems")])
def test_a_counted_noun(count: int, text: str) -> None:
    assert pluralize(count, "problem") == text
