"""A report as Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from reasoning.benchmarks.report import FORMATS, ReportData, save, to_csv, to_latex, to_markdown
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.errors import InputError, UnknownName
from reasoning.messages import Usage

Kept = Callable[..., ResultsFolder]
HOSTILE = "cot_x&%$#{}~^\\|<b>`*[a](b)\x1b\u202e"


def test_markdown_has_the_verdict_first_and_every_table(kept: Kept) -> None:
    said = to_markdown(ReportData.from_folder(kept(vanilla="rwwww", cot="rrrrw")))
    assert said.startswith("# ones · 5 problems · m\n\n**cot has the most right answers (4 of 5)")
    assert "| **2** | **cot** | **80.0 %** |" in said
    assert "| vanilla | +60.0 |" in said
    for heading in (
        "Accuracy and cost",
        "Every pair",
        "budget of tokens",
        "Problems solved",
        "equal answers",
        "Parsing rules",
    ):
        assert re.search(f"^## .*{heading}", said, re.MULTILINE), heading


def test_markdown_tables_are_rectangular_whatever_a_name_holds(kept: Kept) -> None:
    said = to_markdown(ReportData.from_folder(kept(**{HOSTILE: "rrr", "a|b": "rww"})))
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "<b>" not in said.replace("\\<b\\>", "")
    widths: set[int] = set()
    for line in [*said.splitlines(), ""]:
        if line.startswith("|"):
            widths.add(len(re.findall(r"(?<!\\)\|", line)))
        else:
            assert len(widths) <= 1
            widths = set()


def test_latex_has_booktabs_tables_and_escapes_all(kept: Kept) -> None:
    said = to_latex(ReportData.from_folder(kept(**{HOSTILE: "rrr", "b": "rww"})))
    assert said.count(r"\toprule") == said.count(r"\bottomrule") == said.count(r"\begin{table}") == 3
    row = next(line for line in said.splitlines() if "textbackslash" in line and line.endswith(r"\\"))
    assert r"cot\_\allowbreak{}x\&\%\$\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}|\textless{}b" in row
    for line in said.splitlines():
        bare = re.sub(r"\\[{}]", "", line)
        assert bare.count("{") == bare.count("}")
        bare = re.sub(r"\$(\\cdot|\\infty|-)\$", "", line)
        assert line.startswith("%") or not re.search(r"(?<!\\)[%#$_^~]|(?<![ \\])&", bare)


def test_the_sheet_has_full_precision_and_leaves_out_what_is_not_known(kept: Kept) -> None:
    usage = {"a": Usage(1, 10, 5, 0, 0.25, 1.5)}
    rows = list(csv.DictReader(to_csv(ReportData.from_folder(kept(usage, a="rrw", b="fff"))).splitlines()))
    assert rows[0]["accuracy"] == str(2 / 3)
    assert (rows[0]["usd"], rows[0]["prompt_tokens"], rows[0]["seconds"]) == ("0.75", "30", "4.5")
    assert (rows[1]["n"], rows[1]["accuracy"], rows[1]["failed"], rows[1]["usd"]) == ("0", "", "3", "")


def test_a_file_is_written_in_the_format_that_its_name_says(kept: Kept, tmp_path: Path) -> None:
    store = kept(a="rrw", b="rww")
    found = ReportData.from_folder(store)
    begins = {".html": "<!doctype html>", ".md": "# ones", ".tex": "% needs", ".csv": "strategy,n", ".json": "{"}
    assert set(begins) == set(FORMATS)
    for ending, beginning in begins.items():
        save(found, tmp_path / f"report{ending}")
        assert (tmp_path / f"report{ending}").read_text(encoding="utf-8").startswith(beginning)
    assert len(list(tmp_path.iterdir())) == len(FORMATS)
    with pytest.raises(UnknownName, match=r"\.htm"):
        save(found, tmp_path / "report.htm")
    with pytest.raises(InputError, match="cannot be written"):
        save(found, tmp_path / "nowhere" / "report.md")


def test_every_form_of_a_report_has_the_names_and_each_spec(kept: Kept, tmp_path: Path) -> None:
    trees = [f"tree_of_thoughts(task='game24', breadth={k}, children=4, judgements=1)" for k in (2, 5)]
    guided = "guided(terms={'churn': 'a customer who leaves', 'arpu': 'revenue per user'})"
    store = kept(**{trees[0]: "rrrw", trees[1]: "rwww", guided: "wwww"})
    found = ReportData.from_folder(store)
    said = to_markdown(found)
    assert "| **1** | **tree_of_thoughts(breadth=2, …)** |" in said
    assert said.count("judgements=1") == 2  # in the legend
    tex = to_latex(found)
    assert tex.count("judgements") == 2
    assert r"\ldots{}" in tex
    save(found, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "thoughts(<wbr>breadth=" in page
    assert trees[0].replace("'", "&#x27;") in re.sub("<wbr[^>]*>", "", page)
