"""The configuration of the sandbox in which model-written programs run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from reasoning.errors import UnknownName, UsageError
from reasoning.sandbox.execution import ResourceLimits

MODES = ("interpreter", "process", "container")
"""The modes of a sandbox. Later ones run more programs."""


@dataclass(frozen=True)
class Sandbox:
    """The place where model-written programs run, and the limits of each.

    Every program starts in the interpreter (Monty, a Python written in Rust that has no access to
    the machine). The mode says what runs the programs that need more than Monty has.
    docs/how-to/security.md lists what each mode guarantees.

    Args:
        mode: "interpreter" runs nothing outside Monty; "process" runs the rest in a locked-down
            separate process (Linux only); "container" runs the rest in a container by Docker or
            Podman.
        packages: installed packages that programs may import besides the standard library; only for
            "process". None allows those of sympy, numpy and dateutil that are installed. Each is
            imported before the process is locked down, so name only packages that you would import
            yourself.
        memory_mb: memory of one program, in megabytes.
        seconds: execution time of one program, in seconds.
        image: the container image, such as "python:3.13-slim"; required by "container". It needs
            Python as `python3` and the packages that programs may import.
        require_lockdown: whether "process" refuses to run programs if this machine does not enforce
            every guarantee. False accepts the locks that the machine has, for example on macOS.

    Raises:
        UnknownName: `mode` is not a mode.
        UsageError: the settings contradict the mode or each other.

    Examples:
        >>> Sandbox("process", packages=["numpy"], memory_mb=256)
        Sandbox('process, packages=numpy, memory_mb=256')
        >>> Sandbox.parse("container, image=python:3.13-slim").image
        'python:3.13-slim'
    """

    mode: str = "process"
    packages: Sequence[str] | None = None
    memory_mb: int = ResourceLimits.memory_mb
    seconds: float = ResourceLimits.seconds
    image: str | None = None
    require_lockdown: bool = True

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UnknownName("sandbox mode", str(self.mode), MODES)
        if self.packages is not None:
            if self.mode != "process":
                reason = "a container has those of its image" if self.mode == "container" else "Monty imports none"
                raise UsageError(f"packages needs the sandbox mode 'process', got {self.mode!r}: {reason}")
            names = [self.packages] if isinstance(self.packages, str) else self.packages
            object.__setattr__(self, "packages", tuple(names))  # a list could be changed, and has no hash
            for name in names:
                if not name.isidentifier():
                    raise UsageError(f"packages must be names that a program can import, got {name!r}")
        if (self.image is None) == (self.mode == "container"):
            if self.image is not None:
                raise UsageError(f"image needs the sandbox mode 'container', got {self.mode!r}")
            raise UsageError("the sandbox mode 'container' needs an image, such as image=python:3.13-slim")
        if not self.require_lockdown and self.mode != "process":
            raise UsageError(f"require_lockdown=False needs the sandbox mode 'process', got {self.mode!r}")
        _ = self.limits

    @classmethod
    def of(cls, value: Sandbox | str) -> Sandbox:
        """Return `value`, parsed if it is a string.

        Raises:
            UsageError: `value` cannot be parsed, or is neither a string nor a `Sandbox`.
        """
        if isinstance(value, str):
            return cls.parse(value)
        if not isinstance(value, cls):
            raise UsageError(f"sandbox must be a mode such as 'process', or a reasoning.Sandbox, got {value!r:.80}")
        return value

    @classmethod
    def parse(cls, text: str) -> Sandbox:
        """Parse a mode with its settings, such as "process, packages=numpy, memory_mb=256".

        Args:
            text: the mode, then settings as NAME=VALUE, separated by commas; several packages are
                joined by `+`.

        Raises:
            UnknownName: the mode or a setting is unknown; the message suggests the nearest one.
            UsageError: a value cannot be parsed, or contradicts the mode.
        """
        mode, *parts = (part.strip() for part in text.split(","))
        settings: dict[str, Any] = {}
        for part in parts:
            name, equals, value = (word.strip() for word in part.partition("="))
            if name not in _PARSERS:
                raise UnknownName("setting", name, _PARSERS, f"in the sandbox {text!r}")
            try:
                settings[name] = _PARSERS[name](value if equals else "")
            except (ValueError, KeyError):
                raise UsageError(f"{name} in the sandbox {text!r} must be {_EXPECTED[name]}, got {value!r}") from None
        return cls(mode, **settings)

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        defaults = {field.name: field.default for field in fields(self)[1:]}
        settings = {name: getattr(self, name) for name in defaults}
        changed = [f"{name}={_format_value(value)}" for name, value in settings.items() if value != defaults[name]]
        return ", ".join([self.mode, *changed])

    def __repr__(self) -> str:
        return f"Sandbox({str(self)!r})"

    @property
    def limits(self) -> ResourceLimits:
        """The limits of one program."""
        return ResourceLimits(seconds=self.seconds, memory_mb=self.memory_mb)


def _parse_packages(text: str) -> tuple[str, ...]:
    return tuple(name for name in re.split(r"[+\s]+", text) if name)


def _parse_image(text: str) -> str:
    if not text:
        raise ValueError
    return text


def _format_value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "+".join(value) if isinstance(value, tuple) else format(value, "g" if isinstance(value, float) else "")


_PARSERS: dict[str, Any] = {
    "packages": _parse_packages,
    "memory_mb": int,
    "seconds": float,
    "image": _parse_image,
    "require_lockdown": {"yes": True, "no": False}.__getitem__,
}
_EXPECTED = {
    "packages": "names joined by +, such as numpy+sympy",
    "memory_mb": "a whole number of megabytes",
    "seconds": "a number of seconds",
    "image": "the name of a container image",
    "require_lockdown": "yes or no",
}
