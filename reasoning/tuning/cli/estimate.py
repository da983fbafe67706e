"""`reasoning tune estimate`: the memory that each method of training will take, and what fits on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reasoning.cli.output import OutputOptions
from reasoning.cli.progress import progress_bar
from reasoning.tuning.cli.training_options import BASE, BaseModel, Chain, ExampleOptions, SettingOptions, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reasoning.tables import Document
    from reasoning.tuning.training.memory import MemoryEstimate


def estimate(
    chain: Chain = None,
    step: Step = None,
    model: BaseModel = BASE,
    *,
    source: ExampleOptions,
    settings: SettingOptions,
    output: OutputOptions,
) -> None:
    """Estimate the memory that training on these examples will take, for each method.

    Nothing is trained and no weights are loaded: the longest batch passes through the model without
    numbers. A measured peak differs from the estimate by at most a quarter.
    """
    from reasoning.providers.torch.base_model import check_installed, convert_base, find_base
    from reasoning.tuning.training.memory import available_memory, estimate_all
    from reasoning.tuning.training.tokens import open_tokenizer, tokenize, try_frozen_prefix

    check_installed()
    examples, given = source.read(chain, step), settings.to_settings()
    check_settings(given)
    with progress_bar() as bar:
        base = find_base(model, bar)
        folder = convert_base(base, bar)
        bar(0, 0, "tokenising the examples")
        with open_tokenizer(base, "llama.cpp") as tokenizer:
            tokenized, _ = tokenize(examples.examples, tokenizer, int(given.get("max_tokens", 2048)))
            prefix = try_frozen_prefix(tokenized, tokenizer.controls)
        bar(0, 0, "adding up the memory")
        found = estimate_all(folder, tokenized, given, prefix)
    free = available_memory()
    longest = max(len(one.prompt) + len(one.reply) for one in tokenized)
    about = {"model": base.name, "examples": len(tokenized), "longest_example": longest, "available": free}
    output.print(lambda: describe(found, about), lambda: estimates_json(found, about))


def check_settings(given: dict[str, Any]) -> None:
    """Raise an error if no method has a setting, or a value is not valid."""
    from reasoning.errors import UnknownName
    from reasoning.tuning.training.methods import METHODS

    known = {name: card for card in METHODS.values() for name in card.to_settings({})}
    for name, value in given.items():
        if name not in known:
            raise UnknownName("setting", name, known)
        known[name].to_settings({name: value})


def describe(found: Sequence[MemoryEstimate], about: dict[str, Any]) -> Document:
    """Return the estimates as a table."""
    from reasoning.tables import Document, Table
    from reasoning.tuning.training.memory import ERROR

    header = ("method", "fits", "memory GB", "range GB", "trained", "weights GB", "training GB", "activations GB")
    rows = [
        (
            label(one),
            fits(one, about["available"]),
            f"{one.total / 1e9:.1f}",
            f"{one.least / 1e9:.1f}–{one.most / 1e9:.1f}",
            f"{one.trained_parameters:,}",
            f"{one.weights / 1e9:.2f}",
            f"{one.states / 1e9:.2f}",
            f"{one.working / 1e9:.2f}",
        )
        for one in found
    ]
    title = (
        f"{about['model']}, {about['examples']:,} examples of at most {about['longest_example']:,} tokens; "
        f"{about['available'] / 1e9:.1f} GB are free"
    )
    note = (
        f"The error is ±{ERROR:.0%}. A row fits if its memory is free, and tightly if only the lower part of its range "
        "is. A smaller --batch takes fewer activations. Weights of 8 and 2 bits are not trained by this version: their "
        "rows tell what they would take."
    )
    return Document([title, Table(header, rows, text_columns=2), note])


def label(one: MemoryEstimate) -> str:
    """Return the name of a row."""
    return f"{one.method}, {one.bits} bits" if one.bits < 32 else one.method


def fits(one: MemoryEstimate, free: int) -> str:
    """Return whether an estimate fits: yes, tightly, no."""
    return "yes" if one.most <= free else "tightly" if one.total <= free else "no"


def estimates_json(found: Sequence[MemoryEstimate], about: dict[str, Any]) -> dict[str, Any]:
    """Return estimates as plain data."""
    return {**about, "estimates": [to_json(one, about["available"]) for one in found]}


def to_json(one: MemoryEstimate, free: int) -> dict[str, Any]:
    """Return an estimate as plain data, in bytes."""
    return {
        "method": one.method,
        "bits": one.bits,
        "bytes": round(one.total),
        "low": round(one.least),
        "high": round(one.most),
        "trained_parameters": one.trained_parameters,
        "fits": fits(one, free),
    }
