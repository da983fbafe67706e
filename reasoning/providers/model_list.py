"""The list of a server's models, and the advice that follows from it for a wrong address or model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reasoning.providers.http_body import ReplyTooLarge, decode_json, read_body
from reasoning.secret_scan import mask_path
from reasoning.text_safety import redact

if TYPE_CHECKING:
    import aiohttp

_SHOWN_MODELS = 8
"""The models of a server that an error names."""


async def list_models(session: aiohttp.ClientSession, address: str, max_bytes: int) -> list[str] | None:
    """Return the models that an API lists; None if there is no such API at the address.

    Args:
        session: the session that sends the request.
        address: the address before `/models`.
        max_bytes: the most bytes of the response.
    """
    import aiohttp
    from yarl import URL

    try:
        response = await session.get(URL(f"{address}/models"), allow_redirects=False)
        raw = await read_body(response, max_bytes)
        listed = decode_json(raw)["data"] if response.status == 200 else None
        return None if listed is None else [str(entry["id"]) for entry in listed]
    except (TimeoutError, ReplyTooLarge, aiohttp.ClientError, ValueError, RecursionError, KeyError, TypeError):
        return None


async def advise_address(wrong: str, list_models_at: Callable[[str], Awaitable[list[str] | None]]) -> str:
    """Return what to do about an address without an API, to be added to an error.

    Args:
        wrong: the address, whose path has no version.
        list_models_at: returns the models of the API at an address; None without an API there.
    """
    corrected = f"{wrong}/v1"
    nearby = f"{wrong.partition('://')[0]}://{urlsplit(wrong).netloc}/v1"
    if nearby != corrected and await list_models_at(nearby) is not None:
        return f": the server has an API at {nearby}"
    return f", which usually ends in /v1, as in {mask_path(corrected)}"


def advise_model(model: str, models: Sequence[str]) -> str:
    """Return the models to choose from if a server lists others than this one, to be added to an error."""
    if not models or model in models:
        return ""
    more = ", …" if len(models) > _SHOWN_MODELS else ""
    return f"; the server has {redact(', '.join(sorted(models)[:_SHOWN_MODELS]))}{more}"
