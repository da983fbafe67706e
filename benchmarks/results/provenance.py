"""The provenance of a results folder besides its settings: versions, and the state of the project."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata

from reasoning.version import __version__

_PACKAGES = ("aiohttp", "datasets", "litellm", "pydantic-monty", "reasoning-gym", "xllamacpp")
"""Packages on which requests, programs or problems may depend."""


def provenance() -> Mapping[str, str]:
    """Return the versions of library, Python and packages, the platform, and the commit that is checked out here."""
    versions = {"library": __version__, "python": platform.python_version(), "platform": platform.platform(terse=True)}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions | ({"git": state} if (state := git_state()) else {})


def git_state() -> str:
    """Return the commit of the working folder, followed by ", changed" if tracked files differ; empty without git."""
    commit = _git("rev-parse", "HEAD")
    return f"{commit}, changed" if commit and _git("status", "--porcelain", "--untracked-files=no") else commit


def _git(*words: str) -> str:
    # A repository may name a program that watches its files; git would start it.
    command = ["git", "-c", "core.fsmonitor=false", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
