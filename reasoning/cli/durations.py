"""Durations on the command line, such as 90s, 10m or 1h30m."""

from __future__ import annotations

import re

import typer

_DURATION = re.compile(r"(?=\d)(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as `90s`, `10m` or `1h30m`.

    Raises:
        typer.BadParameter: the text is not a duration above 0.
    """
    parts = _DURATION.fullmatch(text.strip().lower().replace(" ", ""))
    hours, minutes, seconds = (float(part or 0) for part in parts.groups()) if parts else (0.0, 0.0, 0.0)
    duration = 3600 * hours + 60 * minutes + seconds
    if not duration:
        raise typer.BadParameter(f"a duration above 0 is written as 90s, 10m or 1h30m, got {text!r}")
    return duration
