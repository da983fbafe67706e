"""Small pictures for tests: valid files of each format, made byte by byte."""

from __future__ import annotations

import struct
import zlib


def png(width: int = 2, height: int = 3, colour: int = 200) -> bytes:
    """Return a grey PNG."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + bytes([colour]) * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def png_that_states(width: int, height: int) -> bytes:
    """Return a PNG whose header states any size, with the pixels of a small one."""
    small = png()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return small[:8] + _chunk(b"IHDR", header) + small[33:]


def jpeg(width: int = 4, height: int = 5) -> bytes:
    """Return the segments of a JPEG up to its scan, with an APP0 and fill bytes before the size."""
    app = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    size = b"\xff\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\0"
    return b"\xff\xd8" + app + size + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\x00\xff\xd9"


def gif(width: int = 6, height: int = 7) -> bytes:
    """Return a GIF of one empty frame."""
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b"\x2c" + bytes(9) + b"\x02\x01\0\0;"


def webp(kind: str = "VP8X", width: int = 8, height: int = 9) -> bytes:
    """Return the container of a WebP: extended, lossless ("VP8L") or lossy ("VP8 ")."""
    if kind == "VP8X":
        body = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == "VP8L":
        body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(5)
    else:
        body = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)
    chunk = kind.encode() + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
