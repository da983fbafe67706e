"""What commands say of how fast and how patiently a model is asked."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from reasoning.errors import UnknownName, UsageError

Pace = Annotated[
    str | None,
    typer.Option(
        help="A provider's limits and more: 'requests_per_minute=500, tokens_per_minute=200000, timeout=300, "
        "shared=yes' (by all processes with this journal).",
        metavar="NAME=VALUE,…",
    ),
]

SandboxOption = Annotated[
    str | None,
    typer.Option(
        "--sandbox",
        help="Where model-written programs run: interpreter, process (the default) or container, with settings such as "
        "'process, packages=numpy+pandas, memory_mb=256, seconds=10' or 'container, image=python:3.13-slim'.",
        metavar="MODE[,NAME=VALUE…]",
    ),
]

_NUMBERS = ("requests_per_minute", "tokens_per_minute", "timeout", "patience")
_SWITCHES = ("shared", "warm_prefix")
_YES_OR_NO = {"yes": True, "true": True, "no": False, "false": False}


def paced(text: str | None) -> dict[str, Any]:
    """What `connect` is told; its parameters of these names say what they mean.

    Raises:
        UsageError: names the part that makes no sense.
    """
    told: dict[str, Any] = {}
    for part in text.split(",") if text is not None else ():
        name, _, value = (word.strip() for word in part.partition("="))
        if name in _SWITCHES:
            told[name] = _YES_OR_NO.get(value.lower())
        elif name in _NUMBERS:
            told[name] = _number(value)
        else:
            raise UnknownName("setting", name, (*_NUMBERS, *_SWITCHES), f"in the pace {text!r}")
        if told[name] is None:
            wanted = "yes or no" if name in _SWITCHES else "a number above 0"
            raise UsageError(f"{part.strip()!r} in the pace {text!r} makes no sense: write {name}= and {wanted}")
    return told


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None
