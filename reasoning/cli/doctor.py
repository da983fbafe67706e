"""What this machine guarantees about programs that a model wrote, and where things are."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from reasoning import paths
from reasoning.errors import ReasoningError
from reasoning.sandbox.container import ENGINES
from reasoning.sandbox.fork_server import GUARANTEES, ChildPool
from reasoning.sandbox.interpreter import PACKAGES
from reasoning.sandbox.monty_errors import Unavailable

_BY_CONSTRUCTION = "Monty has no way to them"
_EVERYWHERE = {"environment": "a clean start", "time": "it is ended from outside"}


def findings() -> Iterator[tuple[str, str, str]]:
    """The facts as rows: what it is about, its part, what is so."""
    yield from _places()
    yield "monty", "", f"pydantic-monty {_version('pydantic-monty')}"
    yield "", "files, network, processes", _BY_CONSTRUCTION
    yield "", "memory, time", "limits of Monty; a worker that does not heed them is ended"
    yield from _child()
    engine = next((engine for engine in ENGINES if shutil.which(engine)), None)
    yield "container", "", f"{engine} is here; name an image" if engine else "not available: no docker, no podman"


def _places() -> Iterator[tuple[str, str, str]]:
    from reasoning.providers.llama_cpp import weights

    yield "reasoning", "", _version("reasoning-strategies")
    yield "python", "", f"{platform.python_version()}, {sys.platform} {platform.machine()}, {sys.executable}"
    yield "weights", "", str(weights.folder())
    yield "journal", "", str(paths.data_dir() / "journal.sqlite")


def _child() -> Iterator[tuple[str, str, str]]:
    pool = ChildPool(PACKAGES)
    try:
        lockdown = pool.lockdown()
    except (Unavailable, ReasoningError) as why:
        yield "child", "", f"not available: {why}"
        return
    finally:
        pool.close()
    refused = "refused, unless asked for with Interpreter(isolation='process')"
    yield "child", "", refused if lockdown.broken else "ready"
    for guarantee in (*GUARANTEES, "privileges"):
        yield "", guarantee, lockdown.means.get(guarantee, "NOT ENFORCED on this machine")
    for guarantee, by in _EVERYWHERE.items():
        yield "", guarantee, by
    yield "", "packages", ", ".join(f"{name} {_version(name)}" for name in lockdown.packages) or "none"


def _version(package: str) -> str:
    for name in (package, f"python-{package}"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""
