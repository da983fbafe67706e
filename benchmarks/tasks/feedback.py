"""Classification tasks from customer feedback: the category and the sentiment of each issue."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from reasoning.benchmarks.tasks.task import BY_KIND
from reasoning.kinds.label import Label
from reasoning.problem import Example, Problem

CATEGORIES = Label(("network", "billing", "customer service", "pricing", "device", "other"))
SENTIMENTS = Label(("positive", "negative", "neutral"))
_LABEL = re.compile(r"(?P<issue>.+) \((?P<sentiment>positive|negative|neutral)\)")


@dataclass(frozen=True)
class Feedback:
    """Every issue of the 60 pieces of feedback of the tests of `telecom_feedback`, in an order from the seed.

    The issue is part of the problem's question, and is its input `target`, for sentiment techniques.

    Attributes:
        name: the name of the task.
        asks: returns the question about an issue.
        labels: the kind of answer.
        of: returns the answer, given sentiment and category.
    """

    name: str
    asks: Callable[[str], str]
    labels: Label
    of: Callable[[str, str], str]

    split = ""
    kind = Label.name
    scorer = BY_KIND
    source = "feedback to a telecom company, written for this library"
    licence = "Apache-2.0"
    canary = ""
    contamination = "part of this library, so later models may have seen it"
    seeded = True
    size = 75

    def version(self) -> str:
        return sha256(_text().encode()).hexdigest()[:12]

    def load(self, limit: int, seed: int) -> list[Example]:
        issues = list(_issues())
        random.Random(f"feedback {seed}").shuffle(issues)
        return [
            Example(
                Problem(self.asks(issue), self.labels, text, inputs={"target": issue}, id=f"{self.name}-{name}"),
                self.of(sentiment, category),
            )
            for name, text, issue, sentiment, category in issues[:limit]
        ]


def _text() -> str:
    return (files("reasoning.strategies.domain.telecom_feedback") / "tests" / "feedback.toml").read_text(
        encoding="utf-8"
    )


def _issues() -> Iterator[tuple[str, str, str, str, str]]:
    """Yield id, feedback, issue, sentiment and category of each issue."""
    for case in tomllib.loads(_text())["case"]:
        for number, (label, category) in enumerate(case.get("gold", {}).get("categories", {}).items(), 1):
            if match := _LABEL.fullmatch(label):
                yield f"{case['id']}-{number}", case["input"], match["issue"], match["sentiment"], category


FEEDBACK_CATEGORY = Feedback(
    "feedback_category",
    lambda issue: f"Which department of the telecom company is in charge of this point of the feedback: {issue}?",
    CATEGORIES,
    lambda sentiment, category: category,
)
FEEDBACK_SENTIMENT = Feedback(
    "feedback_sentiment",
    lambda issue: f"What does the customer feel about this point of the feedback: {issue}?",
    SENTIMENTS,
    lambda sentiment, category: sentiment,
)
