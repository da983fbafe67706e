"""Forks of this process: in the child, objects drop what belongs to threads and connections of the parent.

A child has one thread. The event loop, the pools and the writer of the parent do not run there, its calls in flight
belong to the parent, and its connections are shared with the parent, which alone may use or close them.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from contextlib import suppress
from typing import Protocol


class Resettable(Protocol):
    """An object that starts anew in a child process."""

    def reset_after_fork(self) -> None:
        """Drop what belongs to the parent."""


# By identity, since some of the objects compare by value.
_objects: weakref.WeakValueDictionary[int, Resettable] = weakref.WeakValueDictionary()


def reset_in_child(thing: Resettable) -> None:
    """Call `thing.reset_after_fork` in every child process while the object exists."""
    _objects[id(thing)] = thing


def leak(*things: object) -> None:
    """Keep objects of the parent until the child ends, since their destructors would act on its parent's resources.

    The destructor of a connection, for example, ends the TLS session that the parent still uses.
    """
    for thing in things:
        with suppress(AttributeError):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _reset() -> None:
    for thing in list(_objects.values()):
        thing.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
