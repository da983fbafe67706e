"""The page as a file: what stands in it, what cannot, and how large it is."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks.report import ReportData
from reasoning.benchmarks.report.html_page import write_page
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.errors import InputError
from reasoning.kinds import Number
from reasoning.messages import Completion, Message
from reasoning.problem import Example, Problem
from reasoning.trace import Call, Note, Trace
from tests.benchmarks.report.conftest import result
from tests.benchmarks.report.synthetic import made

Kept = Callable[..., ResultsFolder]
HOSTILE = "</script><img src=x onerror=alert(1)><!-- \u2028 \u202e\x00 & <b>"


def page(store: ResultsFolder, path: Path, **more: Any) -> str:
    write_page(ReportData.from_folder(store), path, **more)
    return path.read_text(encoding="utf-8")


def data(html: str, name: str) -> Any:
    """What is packed in an element."""
    content = re.search(rf'<script type="application/gzip" id="{name}">([^<]*)</script>', html)
    assert content
    return json.loads(gzip.decompress(base64.b64decode(content[1])))


class Seen(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def hostile(path: Path) -> ResultsFolder:
    """A run in which everything that comes from outside is hostile."""
    store = ResultsFolder(path, {"task": HOSTILE, "model": HOSTILE}, {"source": HOSTILE})
    path.mkdir()
    store.add_examples([Example(Problem(HOSTILE, Number(), id=f"{HOSTILE} {k}"), HOSTILE) for k in range(3)])
    store.register_strategies(["cot", HOSTILE])
    for k in range(3):
        for spec in ("cot", HOSTILE):
            call = Call((Message("user", HOSTILE),), {"stop": [HOSTILE]}, (Completion(HOSTILE, reasoning=HOSTILE),))
            trace = Trace(spec, [Trace(HOSTILE, [call]), Note(HOSTILE)])
            one = result(f"{HOSTILE} {k}", spec, "rw"[k % 2], value=HOSTILE, rule=HOSTILE, votes=((HOSTILE, 3),))
            store.add(one, trace)
    store.close()
    return ResultsFolder.read(path)


def test_the_policy_allows_this_script_and_this_style_alone(kept: Kept, tmp_path: Path) -> None:
    html = page(kept(a="rrw", b="www"), tmp_path / "r.html")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in policy[1]
    assert policy[1].startswith("default-src 'none'; ")
    assert "unsafe" not in policy[1]


def test_nothing_is_loaded_from_anywhere(kept: Kept, tmp_path: Path) -> None:
    html = page(kept(a="rrw", b="www"), tmp_path / "r.html")
    for tag, attributes in Seen(html).found:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    assert not re.search(r"https?://|url\((?!#)|@import", html)


def test_what_comes_from_outside_is_text(tmp_path: Path) -> None:
    html = page(hostile(tmp_path / "run"), tmp_path / "r.html")
    assert "<img" not in html
    assert "<!--" not in html
    assert html.count("</script>") == html.count("<script")
    assert not re.search("[\x00\u2028\u202e]", html)
    core = re.search(r'<script type="application/json" id="core">(.*?)</script>', html)
    assert core
    assert json.loads(core[1])["specs"] == ["cot", HOSTILE]
    assert data(html, "details")["problems"][0][0] == HOSTILE
    assert data(html, "traces-0")["0"][0][2][2][0][2][0]["turns"] == [["user", HOSTILE]]


def test_ids_are_unique_and_labels_and_tables_are_whole(tmp_path: Path) -> None:
    html = page(made(tmp_path / "run", 12, 9), tmp_path / "r.html")
    seen = Seen(html).found
    ids = [attributes["id"] for _, attributes in seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in seen:
        for name in ("for", "aria-labelledby"):
            for one in (attributes.get(name) or "").split():
                assert one in ids, (tag, one)
        if (attributes.get("href") or "") not in ("", "#problems"):
            assert str(attributes["href"])[1:] in ids
        if tag == "th":
            assert attributes.get("scope") in ("col", "row")
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
    assert [tag for tag, _ in seen if tag in ("header", "nav", "main", "footer")] == ["header", "nav", "main", "footer"]


def test_charts_follow_the_page(tmp_path: Path) -> None:
    html = page(made(tmp_path / "run", 12, 9), tmp_path / "r.html")
    charts = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(charts) == 2 * 6 + 2  # differences, four costs and draws on two screens; reliability and coverage
    for chart in charts:
        assert not re.search(r"#[0-9a-fA-F]{6}\b", chart)
        assert 'style="' not in chart
        assert "DejaVu" not in chart


def test_a_thousand_problems_are_under_half_a_megabyte_without_traces(tmp_path: Path) -> None:
    store = made(tmp_path / "run", 1000, 10, traces=False)
    assert len(page(store, tmp_path / "r.html", traces=False).encode()) < 500_000


def test_traces_are_not_much_larger_than_their_gzip(tmp_path: Path) -> None:
    store = made(tmp_path / "run", 150, 10)
    with_them, without = (len(page(store, tmp_path / "r.html", traces=one).encode()) for one in (True, False))
    assert with_them - without <= 1.5 * len(gzip.compress((tmp_path / "run" / "traces.jsonl").read_bytes(), 6))
    html = page(store, tmp_path / "r.html")
    assert len(re.findall('id="traces-', html)) > 5  # not all in one: a problem is opened by unpacking a part


def test_traces_are_those_of_their_problems_the_last_of_several(tmp_path: Path) -> None:
    store = made(tmp_path / "run", 4, 2, epochs=2)
    path = tmp_path / "run" / "traces.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    again = json.loads(lines[5])
    again["trace"]["events"] = [{"text": "again"}]
    path.write_text("\n".join([*lines, json.dumps(again)]) + '\n{"torn', encoding="utf-8")
    packed = data(page(store, tmp_path / "r.html"), "traces-0")
    assert sorted(packed) == ["0", "1", "2", "3"]
    assert [one[:2] for one in packed["0"]] == [[0, 0], [1, 0], [0, 1], [1, 1]]
    mine = next(one for one in packed["1"] if one[:2] == [0, 1])
    assert mine[2][2] == ["again"]
    assert (
        data(page(store, tmp_path / "r.html"), "details")["problems"][1][0]
        == store.examples["made-00001"].problem.question
    )


def test_a_damaged_trace_names_its_line_and_leaves_the_old_page(tmp_path: Path) -> None:
    store = made(tmp_path / "run", 3, 2)
    path, file = tmp_path / "run" / "traces.jsonl", tmp_path / "r.html"
    old = page(store, file)
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3].replace('"stage"', '"stake"')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"traces.jsonl:4: damaged record"):
        write_page(ReportData.from_folder(store), file)
    assert file.read_text(encoding="utf-8") == old
    assert {one.name for one in tmp_path.iterdir()} == {"run", "r.html"}


def test_a_place_that_cannot_be_written_is_named(kept: Kept, tmp_path: Path) -> None:
    store = kept(a="r")
    with pytest.raises(InputError, match=r"nowhere/r.html: cannot be written"):
        write_page(ReportData.from_folder(store), tmp_path / "nowhere" / "r.html")


@pytest.mark.parametrize("words", [{"a": ""}, {"a": "fff", "b": "fff"}, {"a": "www", "b": "www"}, {"a": "r"}])
def test_little_to_show_is_shown_without_charts_that_mislead(kept: Kept, tmp_path: Path, words: dict[str, str]) -> None:
    store = kept(**words)
    html = page(store, tmp_path / "r.html")
    assert ReportData.from_folder(store).headline.split("(")[0].strip() in html.replace("&#x27;", "'")
    nothing = not any("r" in word or "w" in word for word in words.values())
    assert ("<svg" in html) is (len(words) > 1 and not nothing)  # one strategy has nothing to be compared with
    assert not re.search(r"\bnan\b|Infinity", re.sub(r"(?s)<script>.*</script>", "", html), re.IGNORECASE)
