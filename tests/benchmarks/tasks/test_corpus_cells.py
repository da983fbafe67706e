"""Documents of problems in the forms of data sets, and a corpus as a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks import tasks
from reasoning.benchmarks.tasks.corpus_cells import read_corpus, write_documents
from reasoning.benchmarks.tasks.field_mapping import Fields
from reasoning.errors import InputError, UsageError
from reasoning.retrieval import Corpus, Document

TWO = [Document("Osk is a town. It is old.", "Osk"), Document("The Vael is a river.", "Vael")]


@pytest.mark.parametrize(
    "cell",
    [
        [{"title": "Osk", "text": "Osk is a town. It is old."}, {"title": "Vael", "text": "The Vael is a river."}],
        [
            {"title": "Osk", "paragraph_text": "Osk is a town. It is old."},
            {"name": "Vael", "content": "The Vael is a river."},
        ],
        [
            {"title": "Osk", "sentences": ["Osk is a town.", " It is old."]},
            {"title": "Vael", "text": "The Vael is a river."},
        ],
        [["Osk", ["Osk is a town.", " It is old."]], ["Vael", ["The Vael is a river."]]],
        {"title": ["Osk", "Vael"], "sentences": [["Osk is a town.", " It is old."], ["The Vael is a river."]]},
        {"title": ["Osk", "Vael"], "text": ["Osk is a town. It is old.", "The Vael is a river."]},
        {"Osk": "Osk is a town. It is old.", "Vael": "The Vael is a river."},
        json.dumps({"Osk": "Osk is a town. It is old.", "Vael": "The Vael is a river."}),
        [
            {"title": "Osk", "text": "Osk is a town. It is old."},
            ["Vael", "The Vael is a river."],
            "",
            {"title": "Empty", "text": " "},
        ],
    ],
)
def test_the_forms_of_data_sets(cell: Any) -> None:
    assert read_corpus(cell, "pages") == Corpus("pages", TWO)


def test_texts_without_titles() -> None:
    assert read_corpus("Osk is old.", "pages") == Corpus("pages", [Document("Osk is old.")])
    assert read_corpus(["Osk.", "Vael."], "pages") == Corpus("pages", [Document("Osk."), Document("Vael.")])
    assert read_corpus({"text": "Osk.", "url": "osk.example"}, "p") == Corpus(
        "p", [Document("Osk.", "", "osk.example")]
    )
    assert read_corpus("[1] Osk is old", "p") == Corpus("p", [Document("[1] Osk is old")])
    for empty in (None, "", [], {}, [""], "[]"):
        assert read_corpus(empty, "pages") is None


@pytest.mark.parametrize(
    "cell", [7, [7], [["a", "b", "c"]], [{"title": "Osk"}], {"a": 1}, {"text": [1, 2]}, [["a", 7]], "[7]", [None]]
)
def test_other_forms_are_refused(cell: Any) -> None:
    with pytest.raises(UsageError, match="a corpus must be a list of texts"):
        read_corpus(cell, "pages")


def test_rows_of_a_file_have_documents(tmp_path: Path) -> None:
    rows = [
        {"question": "Where?", "answer": "Osk", "pages": [{"title": "Osk", "text": "A town."}]},
        {"question": "Who?", "answer": "Vael", "pages": [{"title": "Osk", "text": "A town."}]},
        {"question": "When?", "answer": "then", "pages": None},
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    first, second, third = tasks.get(str(path), "question=question, corpus=pages").load(9, 0)
    assert first.problem.corpus == second.problem.corpus == Corpus("mine", [Document("A town.", "Osk")])
    assert third.problem.corpus is None
    path.write_text(json.dumps(rows[0] | {"corpus": ["A river."]}))
    assert tasks.get(str(path)).load(9, 0)[0].problem.corpus == Corpus("mine", [Document("A river.")])
    path.write_text(json.dumps(rows[0] | {"corpus": 7}))
    with pytest.raises(InputError, match=r"mine\.jsonl:1: a corpus must be"):
        tasks.get(str(path)).load(9, 0)
    table = tmp_path / "mine.csv"
    table.write_text('question,answer,corpus\nWhere?,Osk,"[""A town."", ""A river.""]"\nWhen?,then,\n')
    one, other = tasks.get(str(table)).load(9, 0)
    assert one.problem.corpus == Corpus("mine", [Document("A town."), Document("A river.")])
    assert other.problem.corpus is None


def test_a_mapping_without_a_corpus_has_the_version_that_it_had() -> None:
    assert str(Fields(question="q")) == repr(Fields(question="q"))
    assert "corpus" not in str(Fields(question="q"))
    assert "corpus='pages'" in str(Fields(question="q", corpus="pages"))


def test_a_corpus_is_written_as_files(tmp_path: Path) -> None:
    documents = [
        Document("A town.", "Osk"),
        Document("Another.", "OSK"),
        Document("Out.", "../../etc/passwd"),
        Document("Hidden.", ".ssh"),
        Document("Long.", "x" * 500),
        Document("Device.", "con.x"),
        Document("Empty.", "\x00/\x1b[2J"),
        Document("No title.\nTwo lines."),
        Document("River.", "Vael (river)"),
    ]
    folder = tmp_path / "pages"
    paths = write_documents(Corpus("all", documents), folder)
    assert len(paths) == len({path.name.lower() for path in paths}) == len(documents)
    assert sorted(folder.iterdir()) == sorted(paths)
    assert all(path.parent == folder and not path.name.startswith(".") and len(path.name) < 120 for path in paths)
    assert paths[0].read_text(encoding="utf-8") == "# Osk\n\nA town.\n"
    assert paths[7].read_text(encoding="utf-8") == "No title.\nTwo lines.\n"
    assert paths[8].name == "Vael (river).md"
    assert [path.name for path in tmp_path.iterdir()] == ["pages"]
    with pytest.raises(UsageError, match="must be empty"):
        write_documents(Corpus("all", documents), folder)
    with pytest.raises(UsageError, match="cannot be written"):
        write_documents(Corpus("all", documents), paths[0] / "below")
