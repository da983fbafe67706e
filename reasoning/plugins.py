"""Plug-ins: strategies, kinds, tasks, providers and commands that other distributions add through entry points."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from reasoning.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@cache
def entry_points(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of a group, such as `reasoning.kinds`, by name."""
    # Imported here, since `importlib.metadata` takes longer to load than all of `reasoning`.
    from importlib import metadata

    return {point.name: point for point in metadata.entry_points(group=group)}


def load(group: str, name: str) -> Any:
    """Return the object that an entry point names.

    Args:
        group: the group of entry points, such as `reasoning.kinds`.
        name: one of `entry_points(group)`.

    Raises:
        UsageError: the object cannot be imported; names the entry point.
    """
    point = entry_points(group)[name]
    try:
        return point.load()
    except Exception as error:
        raise wrong(group, name, f"cannot be imported: {type(error).__name__}: {error}") from error


def wrong(group: str, name: str, what: str) -> UsageError:
    """Return the error of an entry point whose object cannot be used."""
    return UsageError(f"the entry point {name!r} of {group} ({entry_points(group)[name].value}) {what}")
