"""The command `reasoning doctor`: sandbox guarantees on this machine, versions and folders."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from reasoning.cli.output import OutputOptions, echo

_REFUSED = "refused: choose --sandbox container or interpreter, or accept fewer locks with require_lockdown=no"
_BUILD = "the page on models in the documentation shows how to compile a faster one"
_EVERYWHERE = {"environment": "cleared before the process starts", "time": "killed from outside at the limit"}


def doctor(*, output: OutputOptions) -> None:
    """Check the sandbox and the folders of this machine.

    The guarantees of the child process are tested in such a process.
    """
    if output.format != "table":
        from reasoning.tables import Document, Table

        output.print(Document([Table(("subject", "part", "fact"), list(_whole_rows()), text_columns=3)]))
        return
    for subject, part, fact in findings():
        echo(f"{subject:<13}{part:<26}{fact}".rstrip())


def _whole_rows() -> Iterator[tuple[str, str, str]]:
    """Yield the rows, each with its subject."""
    last = ""
    for subject, part, fact in findings():
        last = subject or last
        yield last, part, fact


def findings() -> Iterator[tuple[str, str, str]]:
    """Yield rows of a subject, its part, and a fact about it."""
    from reasoning.sandbox.container import ENGINES

    yield from _versions_and_folders()
    yield "interpreter", "", f"pydantic-monty {_version('pydantic-monty')}"
    yield "", "files, network, processes", "Monty has no access to them"
    yield "", "memory, time", "Monty's limits; a worker that exceeds its time is killed"
    yield from _process()
    engine = next((engine for engine in ENGINES if shutil.which(engine)), None)
    fact = (
        f"{engine} is installed; choose an image with --sandbox container,image=IMAGE"
        if engine
        else "not available: docker or podman is not installed"
    )
    yield "container", "", fact


def _versions_and_folders() -> Iterator[tuple[str, str, str]]:
    from reasoning import paths
    from reasoning.providers.llama_cpp import weights
    from reasoning.providers.model_table import users_path
    from reasoning.retrieval import opened_sources

    yield "reasoning", "", _version("reasoning-strategies")
    yield "python", "", f"{platform.python_version()}, {sys.platform} {platform.machine()}, {sys.executable}"
    yield "weights", "", str(weights.folder())
    yield "llama.cpp", "", _describe_llama_cpp()
    yield "indexes", "", str(opened_sources.folder())
    yield "journal", "", str(paths.data_dir() / "journal.sqlite")
    exists = "" if users_path().is_file() else ", which does not exist: nothing is added to what is known of models"
    yield "models", "", f"{users_path()}{exists}"


def _describe_llama_cpp() -> str:
    from reasoning.providers.llama_cpp import cpu

    compiled, unused = cpu.read_compiled_features(), cpu.find_unused_features()
    if not compiled:
        return "not installed: local models need the extra `local`"
    used = ", ".join(name for name in cpu.FLAGS if name in compiled) or "no vector instructions"
    advice = f"; this CPU also has {', '.join(unused)}; {_BUILD}" if unused else ""
    return f"xllamacpp {_version('xllamacpp')}, compiled for {used}{advice}"


def _process() -> Iterator[tuple[str, str, str]]:
    from reasoning.errors import ReasoningError
    from reasoning.sandbox.fork_server import GUARANTEES, ForkServerPool
    from reasoning.sandbox.interpreter import PACKAGES
    from reasoning.sandbox.monty_errors import SandboxUnavailable

    pool = ForkServerPool(PACKAGES)
    try:
        status = pool.status()
    except (SandboxUnavailable, ReasoningError) as error:
        yield "process", "", f"not available: {error}"
        return
    finally:
        pool.close()
    yield "process", "", _REFUSED if status.unenforced else "ready"
    for guarantee in (*GUARANTEES, "privileges"):
        yield "", guarantee, status.mechanisms.get(guarantee, "NOT ENFORCED on this machine")
    for guarantee, mechanism in _EVERYWHERE.items():
        yield "", guarantee, mechanism
    yield "", "packages", ", ".join(f"{name} {_version(name)}" for name in status.packages) or "none"


def _version(package: str) -> str:
    for name in (package, f"python-{package}"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""
