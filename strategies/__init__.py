"""The shelf of techniques, in folders by mechanism: `get` builds one from its spec, `catalogue` lists them all."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strategies.decomposition.least_to_most import LeastToMost as LeastToMost
    from strategies.direct.vanilla import Vanilla as Vanilla
    from strategies.domain.telecom_feedback import TELECOM_FEEDBACK as TELECOM_FEEDBACK
    from strategies.programs.program_of_thoughts import ProgramOfThoughts as ProgramOfThoughts
    from strategies.registry import catalogue as catalogue
    from strategies.registry import get as get
    from strategies.sampling.self_consistency import SelfConsistency as SelfConsistency
    from strategies.sampling.universal_self_consistency import UniversalSelfConsistency as UniversalSelfConsistency
    from strategies.spec import split as split
    from strategies.thought.cot import ChainOfThought as ChainOfThought

_FROM = {
    "ChainOfThought": "thought.cot",
    "LeastToMost": "decomposition.least_to_most",
    "ProgramOfThoughts": "programs.program_of_thoughts",
    "SelfConsistency": "sampling.self_consistency",
    "TELECOM_FEEDBACK": "domain.telecom_feedback",
    "UniversalSelfConsistency": "sampling.universal_self_consistency",
    "Vanilla": "direct.vanilla",
    "catalogue": "registry",
    "get": "registry",
    "split": "spec",
}

__all__ = sorted(_FROM)


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module 'strategies' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"strategies.{_FROM[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
