"""Tables on terminals: words stay whole, columns are dropped instead, and nothing is dropped in silence."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from reasoning.benchmarks.analysis.summary import summarize
from reasoning.benchmarks.analysis.summary_table import HEADER, render_summary
from reasoning.benchmarks.results.result import Result
from reasoning.messages import Usage
from reasoning.tables import Table
from reasoning.terminal_table import wrap

WIDTHS = (40, 60, 80, 100, 120, 200)
SPECS = [
    "vanilla",
    "self_consistency(program_of_thoughts, samples=5)",
    "self_consistency(cot, samples=5)",
    "least_to_most(one_pass=True)",
    "cot",
]


def printed(shown: object, width: int) -> list[str]:
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(shown)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def summary(usd: float | None = None) -> list[Result]:
    return [
        Result(f"p{k}", spec, "f", "answered", k > place, usage=Usage(place + 1, 900 + place, 150 + place, usd=usd))
        for place, spec in enumerate(SPECS)
        for k in range(12)
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_summary_fits_and_its_titles_are_whole(width: int) -> None:
    lines = printed(render_summary(summarize(summary(), SPECS), True), width)
    assert max(map(cell_len, lines)) <= width
    words = {word for title in HEADER for word in title.split()}
    head = lines[: next(place for place, line in enumerate(lines) if line.startswith("vanilla"))]
    assert {word for line in head for word in line.split()} <= words
    assert {"strategy", "accuracy", "95", "%"} <= {word for line in head for word in line.split()}
    text = " ".join(" ".join(lines).split())
    assert text.count("★") >= 1
    missing = [title for title in HEADER if not all(word in " ".join(head).split() for word in title.split())]
    if missing:
        told = re.search(rf"Not shown in {width} columns: (.*)\. A wider terminal shows all; .* --write FILE.csv", text)
        assert told
        assert [re.sub(r" \(.*", "", part) for part in told[1].split(", ")] == missing
    else:
        assert "Not shown" not in text
    assert bool(missing) == (width < 100)


def test_columns_that_say_the_same_in_every_row_go_first_and_the_note_says_what() -> None:
    text = " ".join(" ".join(printed(render_summary(summarize(summary(), SPECS), True), 80)).split())
    assert "failed (0 in every row)" in text
    assert "calls" in text.partition("Not shown")[0]
    money = [*summary(usd=0.01)[:-1], Result("p11", "cot", "f", "answered", True, usage=Usage(2, 1, 1, usd=7.0))]
    text = "\n".join(printed(render_summary(summarize(money, SPECS), False), 80))
    assert "$7.11" in text


def test_one_row_is_never_the_same_in_every_row() -> None:
    text = "\n".join(printed(Table(("name", "a column", "another"), (("x" * 30, "1", "2"),)), 40))
    assert "in every row" not in text
    assert "another" in text


def test_the_most_important_columns_stay() -> None:
    rows = [(f"name {k}", *(str(1000 * column + k) for column in range(1, 6))) for k in range(3)]
    table = Table(("name", "c1", "c2", "c3", "c4", "c5"), rows, priority=("c4", "c2"))
    assert printed(table, 18)[0].split() == ["name", "c2", "c4"]
    assert "Not shown in 18 columns: c1, c3, c5." in " ".join(" ".join(printed(table, 18)).split())


def test_names_wrap_after_brackets_and_spaces() -> None:
    name = "self_consistency(program_of_thoughts, samples=5)"
    assert wrap(name, 24, "  ") == ["self_consistency(", "  program_of_thoughts,", "  samples=5)"]
    assert wrap("accuracy, 95 % of it", 13) == ["accuracy,", "95 % of it"]
    assert wrap("accuracy 95 %", 10) == ["accuracy", "95 %"]
    assert wrap("Chain of thought (2022)", 18) == ["Chain of thought", "(2022)"]
    assert wrap("", 5) == [""]
    assert "".join(wrap("x" * 50, 7, "  ")).replace(" ", "") == "x" * 50


@pytest.mark.parametrize("width", WIDTHS)
def test_wide_characters_and_emoji_take_two_columns(width: int) -> None:
    rows = [
        (
            "思考の連鎖による算数の文章題の解き方を比較する",
            "41.7 %",
            "東京都千代田区丸の内一丁目の天気を教えてください",
        ),
        ("🙂🙂🙂 emoji 🚀", "8.3 %", "plain words of a sentence that has to wrap somewhere"),
    ]
    lines = printed(Table(("戦略", "accuracy", "beschreibung"), rows, text_columns=1, max_widths={2: 20}), width)
    assert max(map(cell_len, lines)) <= width
    whole = "".join("".join(lines).split())
    assert whole.count("🙂") == 3
    if width >= 80:
        # The numbers end in the same column of the terminal.
        ends = {cell_len(line[: line.index("%") + 1]) for line in lines if "%" in line}
        assert len(ends) == 1
        assert "…" in whole


@pytest.mark.parametrize("width", [1, 2, 5, 10])
def test_absurd_widths_print_something(width: int) -> None:
    lines = printed(Table(("strategy", "accuracy"), (("self_consistency(cot)", "41.7 %"), ("思考", "2"))), width)
    assert lines


@pytest.mark.parametrize(
    "names",
    [
        [f"an-extremely-long-identifier-of-a-problem-in-a-big-data-set/train/{k:04}" for k in range(3)],
        [f"{k:04}/an-extremely-long-identifier-of-a-problem-in-a-big-data-set/train" for k in range(3)],
        ["a" * 40 + k + "b" * 40 for k in "123"],
        [f"{k}りんごの問題とても長い名前の問題その一りんごの問題とても長い名前の問題その一{k}" for k in range(3)],
    ],
)
@pytest.mark.parametrize("width", [24, 40, 80])
def test_names_that_are_cut_still_differ(names: list[str], width: int) -> None:
    table = Table(("problem", "answer"), [(name, "4") for name in names], text_columns=2, max_widths={0: 40, 1: 20})
    lines = [line for line in printed(table, width) if "…" in line or line[:1].isdigit()]
    assert len({line.split("  ")[0] for line in lines}) == len(names)
    assert max(map(cell_len, printed(table, width))) <= width


def test_a_p_value_is_not_shown_without_its_correction() -> None:
    rows = [(f"strategy number {k}", f"+{k}.0", "-1 to +9", f"0.01{k}", "1.000", "20") for k in range(4)]
    header = ("than", "points", "95 %", "p", "p (Holm)", "problems")
    table = Table(header, rows, priority=("points", "95 %", "p (Holm)"))
    for width in (40, 48, 60):
        head = "\n".join(printed(table, width)).partition("strategy")[0]
        assert "(Holm)" in head or " p " not in head
