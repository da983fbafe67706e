"""A training that is asked for, checked before anything is computed."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reasoning.errors import InputError, UsageError
from reasoning.providers.torch.base_model import check_installed
from reasoning.tuning.examples.example_file import ExampleFile
from reasoning.tuning.training.methods import Method, Setting, find_method

NO_EXAMPLES = "the file has no examples; label some first: reasoning tune label"
"""The error of a file without examples."""


@dataclass(frozen=True)
class TrainingRequest:
    """A training that is asked for: the examples, the base, the method and the length.

    Attributes:
        examples: the examples.
        model: the base, as `local:NAME` or `local:FILE.gguf`.
        method: the method of training.
        settings: all settings of the method.
        minutes, steps: the length; one of them is set.
        held_out: the share of the examples that are held out, by group.
        seed: the seed of the division, of the order of examples, and of first weights.
    """

    examples: ExampleFile
    model: str
    method: Method
    settings: Mapping[str, Setting]
    minutes: float | None
    steps: int | None
    held_out: float
    seed: int


def make_request(
    examples: ExampleFile,
    model: str,
    method: str,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    held_out: float = 0.1,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> TrainingRequest:
    """Return a checked request; for the arguments see `train`.

    Raises:
        UsageError: an argument is not valid, or this machine cannot train by the method.
        MissingExtra: a library is not installed.
    """
    chosen = find_method(method)
    check_installed()
    if chosen.requires and importlib.util.find_spec(chosen.requires) is None:
        raise UsageError(
            f"the method {chosen.name} needs {chosen.requires}; install it with: pip install {chosen.requires}"
        )
    if (minutes is None) == (steps is None):
        raise UsageError("give the length of the training once, as --minutes or --steps")
    if minutes is not None and not 0 < minutes <= 10_000:
        raise UsageError(f"--minutes must be above 0 and at most 10,000, got {minutes:g}")
    if steps is not None and not 0 < steps <= 10_000_000:
        raise UsageError(f"--steps must be from 1 to 10,000,000, got {steps}")
    if not 0 <= held_out <= 0.9:
        raise UsageError(f"--held-out must be a share from 0 to 0.9, got {held_out:g}")
    if not examples.examples:
        raise InputError(NO_EXAMPLES)
    complete = resolve_precision(chosen.to_settings(settings or {}))
    return TrainingRequest(examples, model, chosen, complete, minutes, steps, held_out, seed)


def resolve_precision(settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return settings in which the precision is not "auto" but what suits this machine.

    A CPU with instructions for bfloat16 trains faster in it than in float32, others do not: with matrix units (AMX) it
    multiplies 14 times faster, and with those of AVX-512 a step of lora took half the time.
    """
    import torch

    if settings["precision"] != "auto":
        return dict(settings)
    tests = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("amx_tile", "avx512_bf16"))
    is_fast = any(test is not None and test() for test in tests)
    return {**settings, "precision": "bfloat16" if is_fast else "float32"}
