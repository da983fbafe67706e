"""The body of an HTTP response: decompressed, of bounded size, decoded from JSON."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from reasoning.files import MAX_MB

if TYPE_CHECKING:
    import aiohttp

ACCEPT_ENCODING = "gzip, deflate"
"""The encodings that `read_body` decompresses."""
_COMPRESSED = ("gzip", "x-gzip", "deflate")


class ReplyTooLarge(Exception):
    """The body of a response is larger than the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"answered with more than {limit / 1e6:g} MB; if that can be right, set {MAX_MB} to more megabytes"
        )


async def read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read the body of a response that was not decompressed. After an error the connection is closed.

    A small compressed body can be huge when decompressed, and a body need not have an end. So the
    size is checked as the body arrives, before and after decompression.

    Args:
        response: the response.
        limit: the most bytes, compressed and decompressed.

    Raises:
        ReplyTooLarge: the body is larger.
        ValueError: the encoding is unknown.
        aiohttp.ClientError: the connection broke, or the compressed data is damaged.
    """
    try:
        return await _read(response, limit)
    except BaseException:
        response.close()
        raise


def decode_json(raw: bytes) -> Any:
    """Decode a JSON body.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return json.loads(raw)
    except UnicodeDecodeError:  # some servers cut a token inside a character
        return json.loads(raw.decode("utf-8", "replace"))


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    compressed = encoding in _COMPRESSED
    if encoding not in ("", "identity") and not compressed:
        raise ValueError(f"the encoding {encoding!r} of its response is unknown")
    parts, received, size, decompressor = list[bytes](), 0, 0, None
    while block := await response.content.readany():
        part = block
        if compressed:
            if decompressor is None:
                # Some servers send deflate without the header of zlib.
                is_raw = encoding == "deflate" and block[0] & 0x0F != 8
                decompressor = zlib.decompressobj(-zlib.MAX_WBITS if is_raw else zlib.MAX_WBITS | 32)
            part = _decompress(decompressor, block, limit + 1 - size)
        received += len(block)
        size += len(part)
        if received > limit or size > limit:
            raise ReplyTooLarge(limit)
        parts.append(part)
    return b"".join(parts)


def _decompress(decompressor: zlib._Decompress, block: bytes, most: int) -> bytes:
    try:
        return decompressor.decompress(block, most)
    except zlib.error as error:
        import aiohttp

        raise aiohttp.ClientPayloadError(f"its compressed response is damaged: {error}") from None
