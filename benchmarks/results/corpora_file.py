"""The corpora of a results folder's problems: each is stored once, and problems refer to it by its digest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.errors import InputError, UsageError
from reasoning.files import parse_json_object
from reasoning.logs import Log
from reasoning.problem import Problem
from reasoning.retrieval import Corpus, Document

_log = Log(__name__)


class CorporaFile:
    """The file `corpora.jsonl`, with a corpus in each line. It is read when a problem needs it.

    A damaged line counts as missing: reports and the viewer do without it, and a run stores its corpus again.

    Args:
        path: the file; it may be missing. None keeps everything in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else JsonlFile(path)
        self._corpora: dict[str, Corpus] | None = None

    def find(self, reference: dict[str, str]) -> Corpus | None:
        """Return the corpus that a stored problem refers to; None if it is not in the file."""
        corpus = self._read().get(reference["sha256"])
        if corpus is None or corpus.name == reference["name"]:
            return corpus
        # Corpora with equal documents may have several names.
        return Corpus(reference["name"], corpus.documents)

    def add(self, problem: Problem) -> None:
        """Store the corpus of a problem, if it has one that is not in the file yet.

        Raises:
            InputError: the file cannot be written.
        """
        corpus = problem.corpus
        if self._file is None or corpus is None or corpus.sha256 in (stored := self._read()):
            return
        self._file.append(_to_json(corpus))
        stored[corpus.sha256] = corpus

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _read(self) -> dict[str, Corpus]:
        if self._corpora is None:
            self._corpora = {corpus.sha256: corpus for corpus in self._stored()}
        return self._corpora

    def _stored(self) -> Iterator[Corpus]:
        if self._file is None:
            return
        try:
            for number, line in enumerate(self._file.lines(), 1):
                try:
                    yield _from_json(parse_json_object(line, f"{self._file.path}:{number}"))
                except (InputError, UsageError, KeyError, TypeError, AttributeError, ValueError) as error:
                    _log.info("a damaged corpus is left out: %s", error)
        except InputError as error:
            _log.info("the rest of the corpora is left out: %s", error)


def reference(corpus: Corpus) -> dict[str, str]:
    """Return what a stored problem has in place of its corpus."""
    return {"name": corpus.name, "sha256": corpus.sha256}


def _to_json(corpus: Corpus) -> dict[str, Any]:
    documents = [
        {name: value for name, value in (("title", one.title), ("source", one.source), ("text", one.text)) if value}
        for one in corpus.documents
    ]
    return {**reference(corpus), "documents": documents}


def _from_json(record: dict[str, Any]) -> Corpus:
    documents = [
        Document(one.get("text", ""), one.get("title", ""), one.get("source", "")) for one in record["documents"]
    ]
    corpus = Corpus(record["name"], documents)
    if corpus.sha256 != record["sha256"]:
        raise ValueError("its documents have another digest than was stored")
    return corpus
