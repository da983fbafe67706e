"""Pictures on pages: shown from the journal, within the policy and within a size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reasoning.benchmarks.experiment import compare
from reasoning.benchmarks.report import ReportData
from reasoning.benchmarks.report import pictures as pictures_module
from reasoning.benchmarks.report.html_page import write_page
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.view import problem_pages
from reasoning.benchmarks.view.library import Library
from reasoning.benchmarks.view.problem_pages import Query
from reasoning.cli.app import app
from reasoning.images import Image
from reasoning.kinds import Number
from reasoning.problem import Example, Problem
from reasoning.testing import ScriptedLLM
from tests.benchmarks.report.test_html_page import HOSTILE, data
from tests.image_files import png

NAMED = Image.from_bytes(png(), name=f"{HOSTILE}\x1b[31m.png")
URL = Image.of("https://example.invalid/x.png")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over problems with pictures; the second one has only a URL, and the third none."""
    out = tmp_path_factory.mktemp("runs") / "run"
    problems = [
        Problem("Bars?", Number(), images=[NAMED, URL], id="p0"),
        Problem("Web?", Number(), images=[URL], id="p1"),
        Problem("None?", Number(), id="p2"),
        Problem("Other?", Number(), images=[png(colour=9)], id="p3"),
    ]
    llm = ScriptedLLM(lambda messages: "The answer is 3.")
    compare(["cot"], [Example(problem, 3) for problem in problems], llm, out=out)
    return out


def rows(html: str) -> list[list[list[str]]]:
    return [row[3] if len(row) > 3 else [] for row in data(html, "details")["problems"]]


def test_the_page_holds_the_pictures_as_data(run: Path, tmp_path: Path) -> None:
    write_page(ReportData.from_folder(ResultsFolder.read(run)), tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text()
    assert rows(html) == [
        [[str(NAMED), NAMED.address], [str(URL), ""]],
        [[str(URL), ""]],
        [],
        [[str(Image.of(png(colour=9))), Image.of(png(colour=9)).address]],
    ]
    assert "img-src data:;" in html
    assert "example.invalid" not in html  # packed as text, and never the source of an image
    assert HOSTILE not in html


def test_a_page_has_room_for_so_many_bytes(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures_module.Pictures.__init__, "__defaults__", (len(png()) + 5,))
    write_page(ReportData.from_folder(ResultsFolder.read(run)), tmp_path / "r.html")
    shown = [image for row in rows((tmp_path / "r.html").read_text()) for image in row]
    assert [bool(address) for _, address in shown] == [True, False, False, False]


def test_turns_name_their_pictures(run: Path, tmp_path: Path) -> None:
    write_page(ReportData.from_folder(ResultsFolder.read(run)), tmp_path / "r.html")
    traces = json.dumps(data((tmp_path / "r.html").read_text(), "traces-0"))
    assert traces.count("PNG, 2 \\u00d7 3") == 2
    assert "sha256" not in traces
    assert "base64" not in traces


def test_a_page_without_the_journal_names_the_pictures(run: Path, tmp_path: Path) -> None:
    store = ResultsFolder.read(run)
    pictures = pictures_module.Pictures(store)
    pictures._path = tmp_path / "missing.sqlite"
    assert pictures.of(store.examples["p3"].problem) == [
        [f"image {Image.of(png(colour=9)).sha256[:8]}, PNG, 2 × 3", ""]
    ]


def test_the_viewer_shows_them(run: Path) -> None:
    page = problem_pages.problem_page(Library(run.parent), ["run"], "p0", Query("all", None, "", False))
    assert page["images"] == [[str(NAMED), NAMED.address], [str(URL), ""]]
    json.dumps(page)


def test_the_command_shows_names_and_sizes(run: Path) -> None:
    shown = CliRunner().invoke(app(), ["bench", "show", str(run), "--id", "p0", "-s", "cot"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("image: ") >= 2
    assert "PNG, 2 × 3" in shown.output
    assert "\x1b[31m.png" not in shown.output
    as_json = CliRunner().invoke(app(), ["bench", "show", str(run), "--id", "p0", "--json"])
    assert [image.get("sha256") for image in json.loads(as_json.stdout)["images"]] == [NAMED.sha256, None]
    plain = CliRunner().invoke(app(), ["bench", "show", str(run), "--id", "p2", "--json"])
    assert "images" not in json.loads(plain.stdout)
