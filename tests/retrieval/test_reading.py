"""Reading documents: formats, encodings, and files that are hostile or none."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from reasoning.errors import InputError, UsageError
from reasoning.retrieval.document import Document
from reasoning.retrieval.reading import NoTexts, Source
from tests.retrieval.pdf import make_pdf

pytest.importorskip("bs4")
pytest.importorskip("pypdf")


def read(path: Path, column: str = "") -> list[Document]:
    return list(Source(f"{path}#{column}" if column else str(path)).documents())


def test_a_folder_of_all_formats(tmp_path: Path) -> None:
    (tmp_path / "more" / "deep").mkdir(parents=True)
    (tmp_path / "a.md").write_text("Some words first.\n\n# The heron ##\n\nIt eats frogs.")
    (tmp_path / "b.rst").write_text("Robins\n======\n\nThey sing.")
    (tmp_path / "more" / "c.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree")
    (tmp_path / "more" / "d.TXT").write_bytes("Grüße".encode("utf-16"))
    (tmp_path / "more" / "deep" / "e.html").write_text("<title>Owls &amp; mice</title><p>Hunt <b>at</b> night.")
    (tmp_path / "f.pdf").write_bytes(make_pdf(["Storks nest.", "", "They (often) return."], "Storks"))
    (tmp_path / "g.docx").write_bytes(b"PK")
    (tmp_path / ".hidden.txt").write_text("secret")
    assert read(tmp_path) == [
        Document("Some words first.\n\n# The heron ##\n\nIt eats frogs.", "The heron", "a.md"),
        Document("Robins\n======\n\nThey sing.", "Robins", "b.rst"),
        Document("Storks nest.", "Storks", "f.pdf#page=1"),
        Document("They (often) return.", "Storks", "f.pdf#page=3"),
        Document("one\ntwo\nthree", "", "more/c.txt"),
        Document("Grüße", "", "more/d.TXT"),
        Document("Hunt at night.", "Owls & mice", "more/deep/e.html"),
    ]
    assert [one.source for one in read(tmp_path / "f.pdf")] == ["f.pdf#page=1", "f.pdf#page=3"]


def test_html_is_the_text_that_a_browser_shows(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<html><head><title> A\npage </title><style>p { color: red }</style></head><body><script>alert(1)</script>"
        "<!-- a comment --><h1>Title</h1>A <i>broken\nline</i>\n<b>here</b><div hidden>hidden</div><p>One<br>two</p>"
        "<pre>kept\n  as it is</pre><table><tr><th>a<th>b<tr><td>1<td>2</table><noscript>no</noscript></body></html>"
    )
    [document] = read(page)
    assert document.title == "A page"
    assert document.text == "Title\n\nA broken line here\n\nOne\ntwo\n\nkept\nas it is\n\na b\n1 2"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("latin.txt", "Grüße".encode("latin-1"), r"latin\.txt: not UTF-8: byte 0xfc at 2 \(line 1\)"),
        ("half.txt", b"\xff\xfea", r"half\.txt: begins as UTF-16 but is not"),
        ("page.html", b'<meta charset="utf-8"><p>Gr\xfc', r"page\.html: not in the encoding"),
        ("broken.pdf", b"%PDF-1.4\nnothing", r"broken\.pdf: the PDF is damaged"),
        ("cut.pdf", make_pdf(["Storks nest."])[:200], r"cut\.pdf: the PDF is damaged"),
        ("bad.jsonl", b'{"text": "a"}\n[1]', r"bad\.jsonl:2: must be a JSON object"),
        ("number.jsonl", b'{"text": 7}', r"number\.jsonl:1: the column 'text' must hold texts, got 7"),
        ("cells.csv", b"text,title\na,b,c", r"cells\.csv:2: 3 cells, but the first line names 2"),
        ("quote.csv", b'text\n"a', r"quote\.csv:2: not CSV"),
        ("broken.parquet", b"PAR1", r"broken\.parquet: not a Parquet file"),
        ("cut.jsonl", gzip.compress(b'{"text": "a"}\n', mtime=0)[:-9], r"cut\.jsonl:\d: the gzip data is truncated"),
        ("table.xlsx", b"PK", r"table\.xlsx: must be a folder, or a file of the form"),
    ],
)
def test_errors_name_the_file_and_what_is_wrong(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(tmp_path / name)


def test_windows_encodings_of_html_are_understood(tmp_path: Path) -> None:
    (tmp_path / "old.html").write_bytes("<meta charset=iso-8859-1><p>Grüße".encode("latin-1"))
    assert [one.text for one in read(tmp_path / "old.html")] == ["Grüße"]


def test_a_pdf_without_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(make_pdf(["", ""]))
    with pytest.warns(UserWarning, match=r"scan\.pdf: the PDF has no text"):
        assert read(tmp_path / "scan.pdf") == []


def test_encrypted_pdfs_are_refused(tmp_path: Path) -> None:
    import pypdf

    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("password", algorithm="RC4-128")
    writer.write(tmp_path / "locked.pdf")
    with pytest.raises(InputError, match=r"locked\.pdf: the PDF is encrypted with a password"):
        read(tmp_path / "locked.pdf")


def test_what_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.docx").write_bytes(b"PK")
    with pytest.raises(NoTexts, match=r"has no file to search in \(\.md, .*found: \.docx \(1\)"):
        read(tmp_path / "notes")
    with pytest.raises(InputError, match=r"no such folder or file; did you mean .*notes'"):
        read(tmp_path / "nots")
    with pytest.raises(UsageError, match="got an empty text"):
        Source(" ")
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(InputError, match="must be a folder, or a file"):
        read(tmp_path / "pipe.txt")
    (tmp_path / "notes" / "b.txt").symlink_to(tmp_path / "pipe.txt")
    with pytest.raises(NoTexts):
        read(tmp_path / "notes")


def test_links_are_followed_within_the_folder_only(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    (inside / "more").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (inside / "more" / "a.txt").write_text("a")
    (inside / "out.txt").symlink_to(tmp_path / "secret.txt")
    (inside / "up").symlink_to(tmp_path)
    (inside / "gone.txt").symlink_to(tmp_path / "gone")
    (inside / "same.txt").symlink_to(inside / "more" / "a.txt")
    (inside / "loop").symlink_to(inside)
    assert [one.source for one in read(inside)] == ["more/a.txt", "same.txt"]


def test_records(tmp_path: Path) -> None:
    rows = [{"text": "one", "title": "First\n", "n": 1}, {"text": None}, {"text": "three", "title": None}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert read(tmp_path / "a.jsonl") == [Document("one", "First", "a.jsonl:1"), Document("three", "", "a.jsonl:3")]
    assert [one.text for one in read(tmp_path / "a.jsonl", "text")] == ["one", "three"]
    (tmp_path / "b.csv").write_text('title;body\nFirst;"one\ntwo"\n;\nThird;three\n', encoding="utf-8-sig")
    assert read(tmp_path / "b.csv", "body") == [
        Document("one\ntwo", "First", "b.csv:3"), Document("three", "Third", "b.csv:5")
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"b\.csv:3: there is no column 'text'; name the column .*found: title, body"):
        read(tmp_path / "b.csv")
    with pytest.raises(InputError, match=r"there is no column 'bdy'; did you mean 'body'\?; found"):
        read(tmp_path / "b.csv", "bdy")


def test_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow = pytest.importorskip("pyarrow")
    parquet.write_table(pyarrow.table({"body": ["one", "two"], "title": ["A", None]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", "body") == [
        Document("one", "A", "a.parquet:1"), Document("two", "", "a.parquet:2")
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"no column 'boddy'; did you mean 'body'"):
        read(tmp_path / "a.parquet", "boddy")


def test_a_data_set_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    loaded = datasets.DatasetDict(
        {
            "test": datasets.Dataset.from_dict({"text": ["wrong"]}),
            "train": datasets.Dataset.from_dict({"text": ["Herons eat.", "Robins sing."], "title": ["Heron", ""]}),
        }
    )
    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *names: asked.append(names) or loaded)
    assert list(Source("hf:me/birds").documents()) == [
        Document("Herons eat.", "Heron", "hf:me/birds:1"),
        Document("Robins sing.", "", "hf:me/birds:2"),
    ]
    assert [one.text for one in Source("hf:me/birds:small:test").documents()] == ["wrong"]
    assert asked == [("me/birds", None), ("me/birds", "small")]
    with pytest.raises(InputError, match="has no split 'dev'; there are: test, train"):
        list(Source("hf:me/birds:small:dev").documents())
    with pytest.raises(InputError, match=r"hf:me/birds: there is no column 'body'"):
        list(Source("hf:me/birds#body").documents())


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")

    def fail(*names: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(InputError, match=r"hf:me/birds: cannot be loaded .*ConnectionError: no route"):
        list(Source("hf:me/birds").documents())


def test_a_sign_in_the_name_of_a_file_is_no_column(tmp_path: Path) -> None:
    (tmp_path / "C#").mkdir()
    (tmp_path / "C#" / "a#b.jsonl").write_text('{"text": "x"}')
    (tmp_path / "C#" / "a.txt").write_text("y")
    assert [one.text for one in read(tmp_path / "C#")] == ["y"]
    assert [one.text for one in read(tmp_path / "C#" / "a#b.jsonl")] == ["x"]
    assert [one.text for one in read(tmp_path / "C#" / "a#b.jsonl", "text")] == ["x"]


def test_the_size_of_a_text_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("x" * 2_000)
    monkeypatch.setenv("REASONING_MAX_MB", "0.001")
    with pytest.raises(InputError, match=r"a\.txt: a text must have at most 0.001 MB"):
        read(tmp_path)


def test_the_size_of_a_page_is_limited(tmp_path: Path) -> None:
    with (tmp_path / "a.html").open("wb") as file:
        file.truncate(20_000_001)
    with pytest.raises(InputError, match=r"a\.html: a page must have at most 20 MB"):
        read(tmp_path)


def test_a_pdf_with_defects_is_read_quietly(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = make_pdf(["Storks nest."])
    (tmp_path / "a.pdf").write_bytes(whole.replace(b"startxref\n", b"startxref\n9"))
    assert [one.text for one in read(tmp_path)] == ["Storks nest."]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "page",
    ["<div>" * 4_000, "<" * 20_000, "<!--" * 25_000, "<a href=" * 12_000, "&" * 20_000, "<p>" * 4_000, "]]>" * 30_000],
    ids=["nested", "less than", "comments", "attributes", "entities", "paragraphs", "sections"],
)
def test_hostile_html_is_read(tmp_path: Path, page: str) -> None:
    (tmp_path / "a.html").write_text(f"<p>Herons eat frogs.</p>{page}")
    [document] = read(tmp_path / "a.html")
    assert document.text.startswith("Herons eat frogs.")
