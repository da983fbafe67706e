"""Prompt chains: strategies of several steps, wired by the names that each step reads, and stored as folders.

    chain = Chain(Step("issues", Prompt(input="{feedback}"), returns=Items()), Step("reply", Prompt(input="{issues}")))
    chain.save("replies")                    # chain.toml, issues.md, reply.md
    assert Chain.load("replies") == chain

docs/how-to/chains.md describes the folder, the keys of a step, and the command `reasoning chain`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain as Chain
    from reasoning.chain.step import Step as Step
    from reasoning.chain.validators import Check as Check
    from reasoning.chain.validators import Fallback as Fallback
    from reasoning.chain.validators import Validator as Validator

_MODULES = {
    "Chain": "chain",
    "Check": "validators",
    "Fallback": "validators",
    "Step": "step",
    "Validator": "validators",
}

__all__ = ["Chain", "Check", "Fallback", "Step", "Validator"]


def __getattr__(name: str) -> Any:
    """Import an attribute when it is first used, so that the command line starts fast."""
    if name not in _MODULES:
        raise AttributeError(f"module 'reasoning.chain' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"reasoning.chain.{_MODULES[name]}"), name)
    return value
