"""Training samples of the step "categories", composed of issues written by hand."""

from __future__ import annotations

import json
import random
import tomllib
from pathlib import Path

from reasoning.chain.folder import load
from reasoning.chain.prompt_digest import digest_step
from reasoning.kinds.text import f1
from reasoning.registry import bundled_chains
from reasoning.tuning.examples.example_file import ExampleFile, ExampleHeader, TrainingExample
from reasoning.tuning.examples.step_inputs import StepReader, choose_inputs, read_case_inputs
from tuning_step.categories import CHAIN, STEP

ISSUES = Path(__file__).with_name("issues.toml")
NEAR = 0.6
"""The F1 of the words of two issues from which on they count as the same."""
SIZES = (1, 1, 2, 2, 3, 3, 4, 5, 6)
"""The numbers of issues in a sample, each equally likely."""


def read_issues(gold: set[str]) -> tuple[dict[str, str], int]:
    """Return the category of each issue, and the number of those that are too near to a gold entry."""
    table = tomllib.loads(ISSUES.read_text(encoding="utf-8"))
    issues = {
        f"{text} ({sentiment})": category
        for category, by_sentiment in table.items()
        for sentiment, texts in by_sentiment.items()
        for text in texts
    }
    words = [issue.rpartition(" (")[0] for issue in gold]
    kept = {
        issue: category
        for issue, category in issues.items()
        if max(f1(issue.rpartition(" (")[0], other) for other in words) < NEAR
    }
    return kept, len(issues) - len(kept)


def make_samples(number: int, seed: int) -> ExampleFile:
    """Return samples with their labels."""
    folder = bundled_chains()[CHAIN]
    chain = load(folder, "trusted")
    reader = StepReader(chain, STEP)
    _, judged = read_case_inputs(reader, folder, "trusted")
    gold = {issue for case in judged for issue in case.values["issues"]}
    issues, left_out = read_issues(gold)
    draw = random.Random(seed)
    lists = [tuple(draw.sample(sorted(issues), draw.choice(SIZES))) for _ in range(2 * number)]
    inputs = [
        one for place, listed in enumerate(lists) for one in reader.from_values(f"sample-{place}", {"issues": listed})
    ]
    pool = choose_inputs(inputs, judged, number)
    examples = tuple(
        TrainingExample(one.id, one.messages, label({issue: issues[issue] for issue in one.values["issues"]}), group)
        for one, group in zip(pool.inputs, pool.groups, strict=True)
    )
    header = ExampleHeader(
        step=STEP,
        chain=CHAIN,
        prompt_sha256=digest_step(chain.step(STEP)),
        teacher="issues and categories written by hand",
        counts={"kept": len(examples), "near_duplicates": pool.near_duplicates, "gold_issues": left_out},
    )
    return ExampleFile(header, examples)


def label(categories: dict[str, str]) -> str:
    """Return the reply that the step's prompt asks for."""
    return json.dumps(categories, ensure_ascii=False)
