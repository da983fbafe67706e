"""Weights from the Hugging Face hub, which is given up on quickly where it cannot be reached."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from reasoning.providers.llama_cpp.download import SourceUnavailable, size
from reasoning.providers.llama_cpp.weights import Progress, Weights

REACHABLE = 4.0
"""Seconds in which the hub must answer before the next source is tried."""

_CHUNK = 1 << 18


def download_from_hub(weights: Weights, partial: Path, report: Progress) -> None:
    """Write the hub's file to `partial`, going on where it ends.

    Raises:
        Unavailable: the hub does not answer, has another file, or broke off three times.
        OSError: the disk's.
    """
    report(size(partial), weights.bytes, f"{weights.name}: asking the hub")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when it is imported
    try:
        import huggingface_hub
    except ImportError:
        raise SourceUnavailable("huggingface_hub is not installed") from None
    endpoint = os.environ.get("HF_ENDPOINT") or None
    url = huggingface_hub.hf_hub_url(weights.repository, weights.filename, revision=weights.revision, endpoint=endpoint)
    about = _metadata(url)
    if about.size not in (None, weights.bytes):
        raise SourceUnavailable(f"its file has {about.size:,} bytes instead of {weights.bytes:,}")
    if len(about.etag or "") == 64 and about.etag != weights.sha256:  # large files are tagged with their SHA-256
        raise SourceUnavailable(f"its file's SHA-256 is {about.etag} instead of {weights.sha256}")
    session: Any = huggingface_hub.get_session()
    reason = ""
    for _ in range(3):
        try:
            _stream(session, about.location or url, weights, partial, report)
            reason = "the connection closed early"
        except OSError as error:
            if not isinstance(error, ConnectionError):
                raise  # the disk's
            reason = str(error)
        except Exception as error:  # the HTTP library's own tree, which differs between versions
            reason = f"{type(error).__name__} {error}"
        if size(partial) >= weights.bytes:
            return
    raise SourceUnavailable(f"broke off: {reason[:160]}")


def _metadata(url: str) -> Any:
    """What the hub says of a file, within `REACHABLE` seconds: name look-ups have no time limit of their own."""
    import huggingface_hub

    answer: list[Any] = []

    def ask() -> None:
        try:
            # No token: these files are public, and nobody's credentials need to leave the machine.
            answer.append(huggingface_hub.get_hf_file_metadata(url, timeout=REACHABLE, token=False))
        except Exception as error:
            answer.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(REACHABLE)
    if not answer:
        raise SourceUnavailable(f"no answer within {REACHABLE:g} s")
    if isinstance(answer[0], Exception):
        status = getattr(getattr(answer[0], "response", None), "status_code", None)
        raise SourceUnavailable(f"answers with status {status}" if status else "cannot be reached")
    return answer[0]


def _stream(session: Any, url: str, weights: Weights, partial: Path, report: Progress) -> None:
    have = size(partial)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with session.stream("GET", url, headers=headers, timeout=15) as response:
        response.raise_for_status()
        if response.status_code != 206:  # it is sent from the start
            have = 0
        with partial.open("r+b" if have else "wb") as file:
            file.seek(have)
            for chunk in response.iter_bytes(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                report(have, weights.bytes, f"{weights.name} from the Hugging Face hub")
