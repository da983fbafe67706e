"""The techniques, in folders by mechanism: `get` makes one from its spec, `catalogue` lists them all.

    from reasoning import strategies

    strategies.get("self_consistency(cot, samples=5)")  # the same as strategies.SelfConsistency(samples=5)
    strategies.catalogue()["cot"].avoid_when

Each technique is also exported as a class, imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from reasoning import registry

if TYPE_CHECKING:
    from reasoning.prompt_overrides import override_prompts as override_prompts
    from reasoning.prompt_overrides import prompts as prompts
    from reasoning.prompt_overrides import read_tuned as read_tuned
    from reasoning.registry import catalogue as catalogue
    from reasoning.registry import get as get
    from reasoning.spec import split as split
    from reasoning.strategies.acting.back_off import BackOff as BackOff
    from reasoning.strategies.acting.react import ReAct as ReAct
    from reasoning.strategies.decomposition.chain_of_event import ChainOfEvent as ChainOfEvent
    from reasoning.strategies.decomposition.decomposed_prompting import DecomposedPrompting as DecomposedPrompting
    from reasoning.strategies.decomposition.least_to_most import LeastToMost as LeastToMost
    from reasoning.strategies.demonstrations.active_prompt import ActivePrompt as ActivePrompt
    from reasoning.strategies.demonstrations.generated.auto_cot import AutoCoT as AutoCoT
    from reasoning.strategies.demonstrations.generated.synthetic import SyntheticPrompting as SyntheticPrompting
    from reasoning.strategies.direct.effort import Effort as Effort
    from reasoning.strategies.direct.prompt_format import PromptFormat as PromptFormat
    from reasoning.strategies.direct.vanilla import Vanilla as Vanilla
    from reasoning.strategies.domain.telecom_feedback import TELECOM_FEEDBACK as TELECOM_FEEDBACK
    from reasoning.strategies.domain.three_hop import ThreeHop as ThreeHop
    from reasoning.strategies.knowledge.chain_of_knowledge import ChainOfKnowledge as ChainOfKnowledge
    from reasoning.strategies.knowledge.defined_terms import DefinedTerms as DefinedTerms
    from reasoning.strategies.knowledge.guideline import GuidelinePrompting as GuidelinePrompting
    from reasoning.strategies.knowledge.implicit_rag import ImplicitRAG as ImplicitRAG
    from reasoning.strategies.knowledge.instructed import InstructedPrompting as InstructedPrompting
    from reasoning.strategies.knowledge.system2_attention import System2Attention as System2Attention
    from reasoning.strategies.programs.chain_of_code import ChainOfCode as ChainOfCode
    from reasoning.strategies.programs.faithful_cot import FaithfulCoT as FaithfulCoT
    from reasoning.strategies.programs.math_prompter import MathPrompter as MathPrompter
    from reasoning.strategies.programs.pal import PAL as PAL
    from reasoning.strategies.programs.program_of_thoughts import ProgramOfThoughts as ProgramOfThoughts
    from reasoning.strategies.programs.structured_cot import StructuredCoT as StructuredCoT
    from reasoning.strategies.sampling.complex_cot import ComplexCoT as ComplexCoT
    from reasoning.strategies.sampling.ensemble_refinement import EnsembleRefinement as EnsembleRefinement
    from reasoning.strategies.sampling.federated import Federated as Federated
    from reasoning.strategies.sampling.self_consistency import SelfConsistency as SelfConsistency
    from reasoning.strategies.sampling.universal_self_consistency import (
        UniversalSelfConsistency as UniversalSelfConsistency,
    )
    from reasoning.strategies.search.tree_of_thoughts import TreeOfThoughts as TreeOfThoughts
    from reasoning.strategies.tables.binder import Binder as Binder
    from reasoning.strategies.tables.chain_of_table import ChainOfTable as ChainOfTable
    from reasoning.strategies.tables.dater import Dater as Dater
    from reasoning.strategies.thought.analogical import Analogical as Analogical
    from reasoning.strategies.thought.chain_of_symbol import ChainOfSymbol as ChainOfSymbol
    from reasoning.strategies.thought.contrastive_cot import ContrastiveCoT as ContrastiveCoT
    from reasoning.strategies.thought.cot import ChainOfThought as ChainOfThought
    from reasoning.strategies.thought.metacognitive import Metacognitive as Metacognitive
    from reasoning.strategies.thought.plan_and_solve import PlanAndSolve as PlanAndSolve
    from reasoning.strategies.thought.thread_of_thought import ThreadOfThought as ThreadOfThought
    from reasoning.strategies.verification.chain_of_verification import ChainOfVerification as ChainOfVerification
    from reasoning.strategies.verification.logical_thoughts import LogicalThoughts as LogicalThoughts
    from reasoning.strategies.verification.maieutic import Maieutic as Maieutic
    from reasoning.strategies.verification.verify_and_edit import VerifyAndEdit as VerifyAndEdit

_FUNCTIONS = {
    "catalogue": "reasoning.registry",
    "get": "reasoning.registry",
    "override_prompts": "reasoning.prompt_overrides",
    "prompts": "reasoning.prompt_overrides",
    "read_tuned": "reasoning.prompt_overrides",
    "split": "reasoning.spec",
}
# A technique is exported under the name of its class; a chain, which is an object, under its own.
_TECHNIQUES = {name: module for module, _, name in (place.partition(":") for place in registry.places().values())}

__all__ = sorted([*_FUNCTIONS, *_TECHNIQUES])


def __getattr__(name: str) -> Any:
    module = _FUNCTIONS.get(name) or _TECHNIQUES.get(name)
    if module is None:
        raise AttributeError(f"module 'reasoning.strategies' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(module), name)
    return value


def __dir__() -> list[str]:
    return __all__
