"""Documents, their passages, and the corpus that a problem is answered from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from reasoning.errors import UsageError


@dataclass(frozen=True)
class Document:
    """A text to search in.

    Attributes:
        text: the whole text.
        title: the title, such as the name of an encyclopaedia's page; empty if it has none.
        source: the origin, such as a file's name or an address.
    """

    text: str
    title: str = ""
    source: str = ""


@dataclass(frozen=True)
class Passage:
    """A part of a document that a search has found.

    Attributes:
        text: the text of the passage.
        title: the title of its document.
        source: the origin of its document.
        position: the place of the passage's first character in the document, from 0.
        score: how well it fits the query; comparable within one search only.
    """

    text: str
    title: str = ""
    source: str = ""
    position: int = 0
    score: float = 0.0


@dataclass(frozen=True, eq=False, repr=False)
class Corpus:
    """The documents that a problem is answered from. Corpora with equal names and documents are equal.

    Args:
        name: the name, for display.
        documents: the documents, in order.

    Raises:
        UsageError: something else than a `Document` is among them, or one whose text or title is no text.

    Examples:
        >>> Corpus("rivers", [Document("The Orla flows into the Wenn.", title="Orla")])
        Corpus('rivers', 1 document)
    """

    name: str
    documents: tuple[Document, ...]

    def __init__(self, name: str, documents: Iterable[Document]) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "documents", tuple(documents))
        if wrong := next((one for one in self.documents if not isinstance(one, Document)), None):
            raise UsageError(f"a corpus takes documents, Document(text, title), got {wrong!r:.80}")
        for number, one in enumerate(self.documents):
            if not (isinstance(one.text, str) and isinstance(one.title, str)):
                raise UsageError(f"document {number} of a corpus must have a text and a title, got {one!r:.80}")

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the documents, in hexadecimal."""
        digest = hashlib.sha256()
        for document in self.documents:
            fields = [document.title, document.source, document.text]
            digest.update(json.dumps(fields).encode() + b"\n")
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        same = self is other
        return same or (isinstance(other, Corpus) and (self.name, self.sha256) == (other.name, other.sha256))

    def __hash__(self) -> int:
        return hash((self.name, self.sha256))

    def __repr__(self) -> str:
        count = len(self.documents)
        return f"Corpus({self.name!r}, {count:,} document{'' if count == 1 else 's'})"
