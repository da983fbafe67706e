"""Pictures of problems: their bytes with the format and size that the bytes state, or a URL that is passed on.

An image is checked and named by its bytes. It is never decoded, and a URL is never fetched here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from reasoning.errors import InputError, UsageError
from reasoning.image_headers import read_header

MAX_BYTES = 20_000_000
"""The largest image in bytes; OpenAI takes 50 MB in a request, Anthropic 32 MB."""
MAX_PIXELS = 100_000_000
"""The largest image in pixels. No provider takes more, and a viewer would need 400 MB to show it."""
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f]+", re.IGNORECASE)
_OTHER_URL = re.compile(r"[a-z][a-z0-9+.-]+://|data:", re.IGNORECASE)
_DATA_URL = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)


@dataclass(frozen=True)
class Image:
    """A picture: PNG, JPEG, WebP or GIF, by its bytes or by a URL that the provider fetches.

    `Image.of`, `read` and `from_bytes` make one. Images are equal if their bytes or their URLs are.

    Attributes:
        sha256: the SHA-256 of the bytes, in hexadecimal; empty for a URL.
        media_type: such as "image/png", from the bytes; empty for a URL.
        url: the URL; empty for an image with bytes.
        width, height: pixels; 0 if they are not known.
        name: the file's name, to show it; empty for none.
        data: the bytes; empty for a URL, and for an image that is read back from a trace.

    Examples:
        >>> Image.of("https://example.org/chart.png").to_json()
        {'url': 'https://example.org/chart.png'}
    """

    sha256: str = ""
    media_type: str = ""
    url: str = ""
    width: int = field(default=0, compare=False)
    height: int = field(default=0, compare=False)
    name: str = field(default="", compare=False)
    data: bytes = field(default=b"", compare=False, repr=False)

    @classmethod
    def of(cls, source: ImageSource) -> Image:
        """Return an image from a path, bytes, or a URL (`https://…`, or `data:image/png;base64,…`).

        Raises:
            UsageError: the source is of another type.
            InputError: a file cannot be read, or bytes are no such picture.
        """
        if isinstance(source, Image):
            return source
        if isinstance(source, bytes | bytearray):
            return cls.from_bytes(bytes(source))
        if isinstance(source, str) and (start := _DATA_URL.match(source)):
            try:
                return cls.from_bytes(base64.b64decode(source[start.end() :], validate=True), where="a data URL")
            except binascii.Error as error:
                raise InputError(f"a data URL of an image must be valid base64: {error}") from None
        if isinstance(source, str) and _URL.fullmatch(source):
            return cls(url=source)
        if isinstance(source, str) and _OTHER_URL.match(source):
            raise InputError(
                f"the URL of an image must be https://… without spaces, or data:image/png;base64,…, got {source!r:.80}"
            )
        if isinstance(source, str | Path) and str(source):
            return cls.read(Path(source))
        raise UsageError(f"an image must be a path, bytes or a URL, got {source!r:.80}")

    @classmethod
    def read(cls, path: Path, within: Path | None = None) -> Image:
        """Return the image of a file.

        Args:
            path: the file.
            within: a folder that must hold the file, for a path that is not trusted; symbolic links
                out of it are refused, too. None for any place.

        Raises:
            InputError: the file cannot be read, is outside of the folder, or is no such picture.
        """
        try:
            resolved = path.expanduser().resolve() if within is None else path.resolve()
            if within is not None and not resolved.is_relative_to(within.resolve()):
                raise InputError(f"{path}: an image must be in the folder {within}, or below it")
            # A pipe or a device would block or have no end.
            with open(resolved, "rb", opener=lambda name, flags: os.open(name, flags | _NO_WAIT)) as file:
                about = os.fstat(file.fileno())
                if not stat.S_ISREG(about.st_mode):
                    raise InputError(f"{path}: an image must be a regular file")
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(f"{path}: the image cannot be read: {getattr(error, 'strerror', None) or error}") from None
        return cls.from_bytes(data, name=path.name, where=str(path))

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str = "", where: str = "") -> Image:
        """Return the image of a file's contents. Its format is that of its bytes; a name means nothing.

        Args:
            data: the bytes.
            name: a name to show it by.
            where: the place of the bytes, for errors.

        Raises:
            InputError: the bytes are no PNG, JPEG, WebP or GIF, end too soon, or are too many.
        """
        before = f"{where}: " if where else ""
        if len(data) > MAX_BYTES:
            raise InputError(f"{before}an image must have at most {MAX_BYTES // 1_000_000} MB; make it smaller")
        try:
            media_type, width, height = read_header(data)
        except ValueError as error:
            raise InputError(f"{before}{error}") from None
        if width * height > MAX_PIXELS:
            raise InputError(
                f"{before}an image must have at most {MAX_PIXELS // 1_000_000} million pixels, this one states "
                f"{width:,} × {height:,}; make it smaller"
            )
        return cls(hashlib.sha256(data).hexdigest(), media_type, "", width, height, name, data)

    @classmethod
    def from_json(cls, data: Any) -> Image:
        """Return the image of `to_json` or `describe`, without its bytes.

        Raises:
            ValueError, TypeError, KeyError: the value is not an image.
        """
        if "url" in data:
            if set(data) - {"url", "name"} or not isinstance(data["url"], str):
                raise ValueError("an image must have a url, or a sha256 and a media_type")
            return cls(url=data["url"])
        texts = sha256, media_type, name = data["sha256"], data["media_type"], data.get("name", "")
        sizes = width, height = data.get("width", 0), data.get("height", 0)
        if not all(isinstance(one, str) for one in texts) or not all(type(one) is int for one in sizes):
            raise TypeError("the fields of an image must be texts, and its size integers")
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise ValueError(f"the sha256 of an image must be 64 hexadecimal digits, got {sha256!r:.80}")
        return cls(sha256, media_type, "", width, height, name)

    def to_json(self) -> dict[str, str]:
        """Return what identifies the image: a request holds this in place of the bytes."""
        return {"url": self.url} if self.url else {"media_type": self.media_type, "sha256": self.sha256}

    def describe(self) -> dict[str, Any]:
        """Return `to_json` with the size and the name, where they are known."""
        more = {"width": self.width, "height": self.height, "name": self.name}
        return {**self.to_json(), **{key: value for key, value in more.items() if value}}

    @property
    def address(self) -> str:
        """The URL to send: the image's own, or a data URL of its bytes.

        Raises:
            UsageError: the bytes are not known here.
        """
        return self.url or self._data_url

    @cached_property
    def _data_url(self) -> str:
        # Kept, since every request of a solve sends it.
        if not self.data:
            raise UsageError(f"the bytes of the image {self} are not known; make the problem again with its image")
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"

    def __str__(self) -> str:
        """Return "chart.png, PNG, 640 × 480, 12 kB" or the URL."""
        if self.url:
            return self.url
        size = f"{self.width:,} × {self.height:,}" if self.width else ""
        count = len(self.data)
        amount = "" if not count else f"{count:,} bytes" if count < 1000 else f"{count / 1000:,.0f} kB"
        format_ = self.media_type.removeprefix("image/").upper()
        return ", ".join(filter(None, [self.name or f"image {self.sha256[:8]}", format_, size, amount]))


ImageSource: TypeAlias = Image | Path | str | bytes
"""A source of an image, as `Image.of` takes it."""
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
