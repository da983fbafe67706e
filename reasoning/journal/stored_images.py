"""The images of requests in a journal's file: the bytes of each once, by their hash.

A request names its images by their SHA-256, so their bytes need no checksum of their own. The table
is created with the first image, since most journals have none.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from reasoning.errors import InputError
from reasoning.images import Image
from reasoning.messages import Request

_TABLE = """
CREATE TABLE IF NOT EXISTS images (
    sha256 BLOB PRIMARY KEY, media_type TEXT NOT NULL, data BLOB NOT NULL
)"""
_MARK = '"sha256":"'
"""A text that the canonical JSON of every request with image bytes has."""


class ImageRow(NamedTuple):
    """An image in its stored form.

    Attributes:
        sha256: the SHA-256 of the bytes.
        media_type: the media type.
        data: the bytes.
    """

    sha256: bytes
    media_type: str
    data: bytes

    @property
    def is_sound(self) -> bool:
        """Return whether the bytes are those that the hash names."""
        return isinstance(self.data, bytes) and hashlib.sha256(self.data).digest() == self.sha256


def images_of(request: Request) -> tuple[ImageRow, ...]:
    """Return the images of a request whose bytes are known, in their stored form."""
    images = dict.fromkeys(image for turn in request.messages for image in turn.images if image.data)
    return tuple([ImageRow(bytes.fromhex(image.sha256), image.media_type, image.data) for image in images])


@lru_cache(64)
def image_keys(request: str) -> tuple[bytes, ...]:
    """Return the hashes of the images that the canonical JSON of a request names; none if it is damaged."""
    if _MARK not in request:
        return ()
    try:
        named = [image for turn in json.loads(request)["messages"] for image in (turn[2] if len(turn) > 2 else ())]
        return tuple(dict.fromkeys(bytes.fromhex(image["sha256"]) for image in named if "sha256" in image))
    except (ValueError, TypeError, KeyError, AttributeError):
        return ()


def insert_images(connection: sqlite3.Connection, images: Sequence[ImageRow], database: str = "main") -> None:
    """Insert images, within a transaction; a damaged copy of one is replaced."""
    if images:
        connection.execute(_TABLE.replace("images", f"{database}.images"))
        connection.executemany(
            f"INSERT INTO {database}.images (sha256, media_type, data) VALUES (?, ?, ?) "
            "ON CONFLICT (sha256) DO UPDATE SET media_type = excluded.media_type, data = excluded.data "
            "WHERE media_type <> excluded.media_type OR data <> excluded.data",
            images,
        )


def has_images(connection: sqlite3.Connection, database: str = "main") -> bool:
    """Return whether the file has a table of images."""
    tables = f"SELECT 1 FROM {database}.sqlite_master WHERE type = 'table' AND name = 'images'"
    return connection.execute(tables).fetchone() is not None


def read_images(connection: sqlite3.Connection, keys: Iterable[bytes], database: str = "main") -> list[ImageRow]:
    """Return the sound images among these, in order."""
    keys = list(keys)
    if not keys or not has_images(connection, database):
        return []
    query = f"SELECT sha256, media_type, data FROM {database}.images WHERE sha256 = ?"
    rows = [ImageRow(*row) for key in keys for row in connection.execute(query, (key,))]
    return [row for row in rows if row.is_sound]


def merge_images(connection: sqlite3.Connection, database: str) -> None:
    """Copy the sound images of an attached journal, one transaction each."""
    if not has_images(connection, database):
        return
    keys = [key for (key,) in connection.execute(f"SELECT sha256 FROM {database}.images")]
    for key in keys:
        insert_images(connection, read_images(connection, [key], database))


def prune_images(connection: sqlite3.Connection) -> None:
    """Delete the images that no request names, within a transaction."""
    if has_images(connection):
        named = {(key,) for key in _named(connection)}
        stored = connection.execute("SELECT sha256 FROM images").fetchall()
        connection.executemany("DELETE FROM images WHERE sha256 = ?", [row for row in stored if row not in named])


def find_image_problems(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield a message for each image that is damaged or missing."""
    stored = set()
    if has_images(connection):
        for row in connection.execute("SELECT sha256, media_type, data FROM images"):
            image = ImageRow(*row)
            stored.add(image.sha256)
            if not image.is_sound:
                yield f"the image {_hex(image.sha256)}: its bytes do not have this SHA-256: it is damaged"
    for key in sorted(_named(connection) - stored):
        yield f"the image {_hex(key)}: a request names it, and its bytes are missing"


def _named(connection: sqlite3.Connection) -> set[bytes]:
    requests = connection.execute("SELECT request FROM requests WHERE instr(request, ?)", (_MARK,))
    return {key for (request,) in requests for key in image_keys(request)}


def format_image_line(image: ImageRow) -> str:
    """Return the line of an image in an export; it stands before the first draw that needs it."""
    fields = {
        "sha256": image.sha256.hex(),
        "media_type": image.media_type,
        "data": base64.b64encode(image.data).decode(),
    }
    return json.dumps({"image": fields}, separators=(",", ":")) + "\n"


def parse_image(data: Any, path: Path, number: int) -> ImageRow:
    """Return the image of a decoded line of an export.

    Args:
        data: the value of "image".
        path: the file, for errors.
        number: the line number, for errors.

    Raises:
        InputError: the value is not an image, or its bytes do not have its hash; names the place.
    """
    where = f"{path}:{number}"
    try:
        image = Image.from_bytes(base64.b64decode(data["data"], validate=True))
        stated = data["sha256"], data["media_type"]
    except (KeyError, TypeError, AttributeError, binascii.Error):
        raise InputError(
            f"{where}: 'image' must be an object with 'sha256', 'media_type' and 'data' (base64)"
        ) from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    if stated != (image.sha256, image.media_type):
        raise InputError(
            f"{where}: the bytes of the image must have its sha256 and media_type, got {stated} and "
            f"{(image.sha256, image.media_type)}"
        )
    return ImageRow(bytes.fromhex(image.sha256), image.media_type, image.data)


def _hex(key: Any) -> str:
    return key.hex() if isinstance(key, bytes) else repr(key)
