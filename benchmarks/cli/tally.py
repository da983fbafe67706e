"""How one strategy is doing while a run goes on, and times for people."""

from __future__ import annotations

from reasoning.benchmarks.results.result import Result


class Tally:
    """One strategy's results so far: how many of how many, and the share of right ones among those that count."""

    def __init__(self) -> None:
        self.total = self.done = self.counted = self.correct = 0

    def add(self, result: Result) -> None:
        self.done += 1
        self.counted += not result.failed
        self.correct += result.correct is True

    @property
    def accuracy(self) -> float:
        return self.correct / self.counted if self.counted else 0.0

    def __str__(self) -> str:
        return f"{self.accuracy:.0%}".replace("%", " %") if self.counted else "–"


def format_duration(seconds: float) -> str:
    """Seconds as minutes and seconds, with hours where there are some."""
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
