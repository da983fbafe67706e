"""The format and the size in pixels of a picture, from its first bytes and without decoding it."""

from __future__ import annotations

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of JPEG segments that state the size."""
_JPEG_ALONE = frozenset([0x01, *range(0xD0, 0xD9)])
"""The markers without a segment."""


def read_header(data: bytes) -> tuple[str, int, int]:
    """Return the media type, the width and the height of a picture.

    Source: the PNG specification §11.2.2, ITU-T T.81 (JPEG) §B.2, the GIF89a specification §18, and the
    WebP container specification.

    Raises:
        ValueError: the bytes are no PNG, JPEG, WebP or GIF, or end too soon; says which.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        media_type, size, is_whole = "image/png", _png_size(data), 0 <= data.rfind(b"IEND") <= len(data) - 8
    elif data.startswith(b"\xff\xd8\xff"):
        media_type, size, is_whole = "image/jpeg", _jpeg_size(data), b"\xff\xd9" in data
    elif data.startswith((b"GIF87a", b"GIF89a")):
        size = (int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")) if len(data) > 12 else None
        media_type, is_whole = "image/gif", b";" in data[-4096:]
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        media_type, size = "image/webp", _webp_size(data)
        is_whole = len(data) >= int.from_bytes(data[4:8], "little") + 8
    else:
        raise ValueError(f"an image must be PNG, JPEG, WebP or GIF, {_describe(data)}")
    if size is None or not all(size) or not is_whole:
        raise ValueError(f"the {media_type.removeprefix('image/').upper()} image is truncated or damaged")
    return media_type, *size


def _describe(data: bytes) -> str:
    """Return what bytes are that are no picture."""
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "got SVG, which models do not take; convert it to PNG"
    if start.startswith((b"<!doctype html", b"<html")):
        return "got a web page"
    if start.startswith(b"%pdf"):
        return "got PDF; convert the page to PNG"
    if start.startswith(b"version https://git-lfs"):
        return "got a pointer of Git LFS instead of the file; fetch it with `git lfs pull`"
    return f"got bytes that begin with {data[:8]!r}" if data else "got no bytes"


def _png_size(data: bytes) -> tuple[int, int] | None:
    if data[12:16] != b"IHDR" or len(data) < 33:
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1  # fill bytes
        elif marker in _JPEG_ALONE:
            at += 2
        elif marker in _JPEG_SIZES:
            if at + 9 > len(data):
                return None
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        elif marker in (0xD9, 0xDA) or (length := int.from_bytes(data[at + 2 : at + 4], "big")) < 2:
            return None
        else:
            at += 2 + length
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    return None
