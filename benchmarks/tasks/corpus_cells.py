"""The documents of a problem, in the forms in which data sets have them, and a corpus as a folder of files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reasoning.errors import UsageError
from reasoning.files import atomic_write
from reasoning.retrieval import Corpus, Document

_TITLES = ("title", "name", "page")
_TEXTS = ("text", "sentences", "paragraph_text", "content", "contents", "body", "paragraph", "passage")
_SOURCES = ("source", "url", "id")
_UNSAFE = re.compile(r"[^\w .,()'’&+-]+")
_MAX_NAME = 80
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
"""Names that Windows does not give to files."""


def read_corpus(cell: Any, name: str) -> Corpus | None:
    """Return the documents of a cell; None if it has none.

    It is a text, or a list of texts, of objects such as `{"title": …, "text": …}`, or of pairs of a title and a text.
    It may also be an object with titles as keys, or with lists of titles and texts, as HotpotQA has. A text may be
    given as the list of its sentences.

    Args:
        cell: the cell.
        name: the name of the corpus.

    Raises:
        UsageError: the cell has another form.
    """
    documents = [one for one in _documents(cell) if one.text.strip()]
    return Corpus(name, documents) if documents else None


def _documents(cell: Any) -> list[Document]:
    if cell is None or cell == "":
        return []
    if isinstance(cell, str):
        # A cell of a CSV file has the documents as JSON.
        parsed = _parse(cell) if cell.lstrip()[:1] in ("[", "{") else None
        return [Document(cell)] if parsed is None else _documents(parsed)
    if isinstance(cell, Mapping):
        return _of_object(cell)
    if isinstance(cell, list | tuple):
        return [_document(item) for item in cell]
    raise _unknown(cell)


def _parse(cell: str) -> Any:
    """Return the list or object of a JSON text; None if it is another text."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return None


def _of_object(cell: Mapping[str, Any]) -> list[Document]:
    columns = {name: cell[name] for names in (_TITLES, _TEXTS, _SOURCES) for name in names if name in cell}
    texts = next((columns[name] for name in _TEXTS if name in columns), None)
    if isinstance(texts, list | tuple):
        titles = next((columns[name] for name in _TITLES if name in columns), None)
        if isinstance(titles, list | tuple) and len(titles) == len(texts):
            return [Document(_text(text), _text(title)) for title, text in zip(titles, texts, strict=True)]
    if texts is not None:
        return [_document(cell)]
    return [Document(_text(text), str(title)) for title, text in cell.items()]


def _document(item: Any) -> Document:
    if isinstance(item, str):
        return Document(item)
    if isinstance(item, Mapping):
        text, title, source = (
            next((item[name] for name in names if item.get(name) is not None), None)
            for names in (_TEXTS, _TITLES, _SOURCES)
        )
        if text is not None:
            return Document(_text(text), _text(title or ""), str(source if source is not None else ""))
    if isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str):
        return Document(_text(item[1]), item[0])
    raise _unknown(item)


def _text(value: Any) -> str:
    """Return a text, or the sentences of one as one text."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and all(isinstance(one, str) for one in value):
        parts = [one.strip() for one in value]
        return " ".join(filter(None, parts))
    raise _unknown(value)


def _unknown(value: Any) -> UsageError:
    return UsageError(
        'a corpus must be a list of texts, of objects with "title" and "text", or of pairs of a title and a text, '
        f"got {value!r:.80}"
    )


def write_documents(corpus: Corpus, folder: Path | str) -> list[Path]:
    """Write each document of a corpus to a text file named by its title, for a search in the folder.

    The first line of a file is the title. A folder that exists must be empty.

    Args:
        corpus: the documents.
        folder: the folder, which is created.

    Returns:
        The files, in the order of the documents.

    Raises:
        UsageError: the folder is not empty, or cannot be written.
    """
    folder = Path(folder)
    paths, taken = list[Path](), set[str]()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder}: must be empty, or must not exist yet; give another folder")
        for number, document in enumerate(corpus.documents, 1):
            name = _file_name(document.title or f"document {number}")
            # File systems may ignore case.
            if name.casefold() in taken:
                name = f"{name} {number}"
            taken.add(name.casefold())
            text = (
                f"# {' '.join(document.title.split())}\n\n{document.text}\n" if document.title else f"{document.text}\n"
            )
            path = folder / f"{name}.md"
            atomic_write(path, text)
            paths.append(path)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from None
    return paths


def _file_name(title: str) -> str:
    """Return a title as the name of a file in its folder: no separator, no leading dot, of limited length."""
    name = " ".join(_UNSAFE.sub(" ", title).split()).strip(". ")[:_MAX_NAME].strip(". ") or "document"
    return f"{name} page" if _RESERVED.match(name) else name
