"""The shelf of techniques, in folders by mechanism: `get` builds one from its spec, `catalogue` lists them all."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reasoning.prompt_overrides import override_prompts as override_prompts
    from reasoning.prompt_overrides import prompts as prompts
    from reasoning.registry import catalogue as catalogue
    from reasoning.registry import get as get
    from reasoning.spec import split as split
    from reasoning.strategies.decomposition.chain_of_event import ChainOfEvent as ChainOfEvent
    from reasoning.strategies.decomposition.decomposed_prompting import DecomposedPrompting as DecomposedPrompting
    from reasoning.strategies.decomposition.least_to_most import LeastToMost as LeastToMost
    from reasoning.strategies.direct.prompt_format import PromptFormat as PromptFormat
    from reasoning.strategies.direct.vanilla import Vanilla as Vanilla
    from reasoning.strategies.domain.telecom_feedback import TELECOM_FEEDBACK as TELECOM_FEEDBACK
    from reasoning.strategies.domain.three_hop import ThreeHop as ThreeHop
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
    from reasoning.strategies.thought.analogical import Analogical as Analogical
    from reasoning.strategies.thought.chain_of_symbol import ChainOfSymbol as ChainOfSymbol
    from reasoning.strategies.thought.contrastive_cot import ContrastiveCoT as ContrastiveCoT
    from reasoning.strategies.thought.cot import ChainOfThought as ChainOfThought
    from reasoning.strategies.thought.metacognitive import Metacognitive as Metacognitive
    from reasoning.strategies.thought.plan_and_solve import PlanAndSolve as PlanAndSolve
    from reasoning.strategies.thought.thread_of_thought import ThreadOfThought as ThreadOfThought
    from reasoning.strategies.verification.chain_of_verification import ChainOfVerification as ChainOfVerification
    from reasoning.strategies.verification.logical_thoughts import LogicalThoughts as LogicalThoughts

_FROM = {
    "Analogical": "thought.analogical",
    "ChainOfCode": "programs.chain_of_code",
    "ChainOfEvent": "decomposition.chain_of_event",
    "ChainOfSymbol": "thought.chain_of_symbol",
    "ChainOfThought": "thought.cot",
    "ChainOfVerification": "verification.chain_of_verification",
    "ComplexCoT": "sampling.complex_cot",
    "ContrastiveCoT": "thought.contrastive_cot",
    "DecomposedPrompting": "decomposition.decomposed_prompting",
    "DefinedTerms": "knowledge.defined_terms",
    "EnsembleRefinement": "sampling.ensemble_refinement",
    "FaithfulCoT": "programs.faithful_cot",
    "Federated": "sampling.federated",
    "GuidelinePrompting": "knowledge.guideline",
    "ImplicitRAG": "knowledge.implicit_rag",
    "InstructedPrompting": "knowledge.instructed",
    "LeastToMost": "decomposition.least_to_most",
    "LogicalThoughts": "verification.logical_thoughts",
    "MathPrompter": "programs.math_prompter",
    "Metacognitive": "thought.metacognitive",
    "PlanAndSolve": "thought.plan_and_solve",
    "PAL": "programs.pal",
    "ProgramOfThoughts": "programs.program_of_thoughts",
    "PromptFormat": "direct.prompt_format",
    "SelfConsistency": "sampling.self_consistency",
    "StructuredCoT": "programs.structured_cot",
    "System2Attention": "knowledge.system2_attention",
    "TELECOM_FEEDBACK": "domain.telecom_feedback",
    "ThreadOfThought": "thought.thread_of_thought",
    "ThreeHop": "domain.three_hop",
    "TreeOfThoughts": "search.tree_of_thoughts",
    "UniversalSelfConsistency": "sampling.universal_self_consistency",
    "Vanilla": "direct.vanilla",
    "catalogue": "reasoning.registry",
    "get": "reasoning.registry",
    "prompts": "reasoning.prompt_overrides",
    "override_prompts": "reasoning.prompt_overrides",
    "split": "reasoning.spec",
}

__all__ = sorted(_FROM)


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module 'reasoning.strategies' has no attribute {name!r}")
    place = _FROM[name]
    module = place if place.startswith("reasoning.") else f"reasoning.strategies.{place}"
    value = globals()[name] = getattr(importlib.import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
