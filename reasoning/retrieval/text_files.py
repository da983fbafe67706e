"""Documents of files that hold one text: plain text, Markdown, reStructuredText, HTML and PDF."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reasoning.data_files import decode_text
from reasoning.errors import InputError, MissingExtra
from reasoning.logs import Log
from reasoning.retrieval.document import Document

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_log = Log(__name__)
_TITLE_LINES = 30
"""Lines in which a title is looked for."""
_HEADING = re.compile(r"#{1,6}[ \t]+(.{1,300})")
_UNDERLINE = re.compile(r"([=\-~*^#])\1{2,}[ \t]*")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_HIDDEN = ("title", "script", "style", "noscript", "template", "head", "svg", "iframe", "object")
"""The elements whose text a browser does not show."""
_BLOCKS = (
    *("address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt", "fieldset"),
    *(
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
    ),
    *("ol", "p", "pre", "section", "summary", "table", "ul"),
)
_SEPARATORS = {"br": "\n", "tr": "\n", "td": " ", "th": " "}
"""The separators of the text of an element from the text before it."""
_SPACE = re.compile(r"[^\S\n]+")
_EMPTY_LINES = re.compile(r"\n[ \n]*\n")
_MAX_PAGES = 20_000
_MAX_HTML = 20_000_000
"""Bytes of a page; the tree that it is parsed to takes some thirty times its size in memory."""


def read_text(path: Path, name: str) -> Iterator[Document]:
    """Yield the document of a text file in UTF-8, or in UTF-16 with a byte order mark. It has no title.

    Raises:
        InputError: it is not in this encoding; names the byte and its line.
    """
    yield Document(_decode(path), "", name)


def read_markup(path: Path, name: str) -> Iterator[Document]:
    """Yield the document of a Markdown or reStructuredText file, as it is written; the first heading is its title.

    Raises:
        InputError: as in `read_text`.
    """
    text = _decode(path)
    yield Document(text, _find_title(text), name)


def read_html(path: Path, name: str) -> Iterator[Document]:
    """Yield the text of a page that a browser shows, in paragraphs. Its title is that of the page.

    The encoding is the one that the page states, else UTF-8, else Windows-1252.

    Raises:
        InputError: it is in none of them, or cannot be parsed.
        MissingExtra: beautifulsoup4 is not installed.
    """
    try:
        from bs4 import BeautifulSoup
        from bs4.dammit import EncodingDetector
    except ImportError:
        raise MissingExtra("reading HTML", "retrieval", "beautifulsoup4") from None
    if (size := path.stat().st_size) > _MAX_HTML:
        raise InputError(f"{path}: a page must have at most {_MAX_HTML / 1e6:g} MB, got {size / 1e6:,.0f}; split it")
    raw, encoding = EncodingDetector.strip_byte_order_mark(path.read_bytes())
    stated = encoding or EncodingDetector.find_declared_encoding(raw, is_html=True)
    decoded = _decode_page(raw, [stated] if stated else ["utf-8", "windows-1252"])
    if decoded is None:
        raise InputError(f"{path}: not in the encoding that it states ({stated or 'none'}); save it as UTF-8")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            page = BeautifulSoup(_drop_comments(decoded), "html.parser")
    except (ValueError, AssertionError, RecursionError) as error:
        raise InputError(f"{path}: not HTML that can be parsed: {error!s:.200}") from None
    title = " ".join(page.title.get_text().split()) if page.title else ""
    yield Document(_visible_text(page), title, name)


def read_pdf(path: Path, name: str) -> Iterator[Document]:
    """Yield a document for each page of a PDF that has text; its source ends in "#page=3".

    Raises:
        InputError: the file is damaged, encrypted, or has too many pages.
        MissingExtra: pypdf is not installed.
    """
    try:
        import pypdf
    except ImportError:
        raise MissingExtra("reading PDF", "retrieval", "pypdf") from None
    # pypdf logs each defect that it repairs, which Python would print.
    logging.getLogger("pypdf").addHandler(logging.NullHandler())
    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError(f"{path}: the PDF is encrypted with a password; save a copy without one")
        if len(reader.pages) > _MAX_PAGES:
            raise InputError(
                f"{path}: a PDF must have at most {_MAX_PAGES:,} pages, got {len(reader.pages):,}; split it"
            )
        title = " ".join(str((reader.metadata and reader.metadata.title) or "").split())
        has_text = False
        for number, page in enumerate(reader.pages, 1):
            if text := _tidy(page.extract_text()):
                has_text = True
                yield Document(text, title, f"{name}#page={number}")
    except InputError:
        raise
    except Exception as error:
        # A damaged PDF raises errors of many kinds.
        raise InputError(f"{path}: the PDF is damaged: {type(error).__name__}: {error!s:.200}") from None
    if not has_text:
        _log.notify(f"{path}: the PDF has no text; its pages may be pictures of text, which are not read")


TEXT_READERS: Mapping[str, Callable[[Path, str], Iterator[Document]]] = {
    ".md": read_markup,
    ".markdown": read_markup,
    ".rst": read_markup,
    ".txt": read_text,
    **dict.fromkeys((".html", ".htm", ".xhtml"), read_html),
    ".pdf": read_pdf,
}
"""The readers by the suffix of a file."""


def _decode(path: Path) -> str:
    raw = path.read_bytes()
    if raw.startswith(_UTF_16):
        try:
            text = raw.decode("utf-16")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: begins as UTF-16 but is not: {error.reason}; save it as UTF-8") from None
    else:
        text = decode_text(raw, path)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode_page(raw: bytes, encodings: Sequence[str]) -> str | None:
    """Return a page in the first encoding that fits; None if none does."""
    for encoding in encodings:
        with suppress(UnicodeDecodeError, LookupError):
            return raw.decode(encoding)
    return None


def _find_title(text: str) -> str:
    """Return the first heading: a line that # begins, or one with a line of = or - below it; empty without one."""
    lines = text[:10_000].split("\n", _TITLE_LINES)[:_TITLE_LINES]
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if heading := _HEADING.fullmatch(line):
            return " ".join(heading[1].strip(" \t#").split())
        if _UNDERLINE.fullmatch(below) and line.strip() and not _UNDERLINE.fullmatch(line):
            return " ".join(line.split())[:300]
    return ""


def _visible_text(page: BeautifulSoup) -> str:
    """Return the text that a browser shows, with an empty line between blocks. Takes time linear in the elements."""
    from bs4.element import CData, NavigableString, Tag

    # Of each element: whether it is hidden, whether its line breaks count, and its nearest block.
    layout: dict[int, tuple[bool, bool, int]] = {id(page): (False, False, 0)}
    parts: list[str] = []
    last_block = 0
    for element in page.descendants:
        hidden, as_written, block = layout[id(element.parent)]
        if isinstance(element, Tag):
            is_block = element.name in _BLOCKS
            hidden = hidden or element.name in _HIDDEN or element.has_attr("hidden")
            layout[id(element)] = hidden, as_written or element.name == "pre", id(element) if is_block else block
            parts.append("\n\n" if is_block else _SEPARATORS.get(element.name, ""))
        elif isinstance(element, NavigableString) and type(element) in (NavigableString, CData) and not hidden:
            if block != last_block:
                parts.append("\n\n")
                last_block = block
            parts.append(str(element) if as_written else element.replace("\n", " "))
    return _tidy("".join(parts))


def _drop_comments(page: str) -> str:
    """Return a page without its comments, and with no < after the last >.

    Python's parser looks for the end of each comment and each tag anew, so that pages without these ends would take
    quadratic time.
    """
    parts, start = [], 0
    while (begin := page.find("<!--", start)) >= 0:
        parts.append(page[start:begin])
        end = page.find("-->", begin + 4)
        start = end + 3 if end >= 0 else len(page)
    parts.append(page[start:])
    page = "".join(parts)
    last = page.rfind(">") + 1
    return page[:last] + page[last:].replace("<", "&lt;")


def _tidy(text: str) -> str:
    """Return text with single spaces, and with one empty line between paragraphs."""
    lines = "\n".join(_SPACE.sub(" ", line).strip() for line in text.replace("\r", "\n").split("\n"))
    return _EMPTY_LINES.sub("\n\n", lines).strip("\n")
