"""The shelf of techniques, in folders by mechanism: `get` builds one from its spec, `catalogue` lists them all."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strategies.decomposition.chain_of_event import ChainOfEvent as ChainOfEvent
    from strategies.decomposition.decomposed import Decomposed as Decomposed
    from strategies.decomposition.least_to_most import LeastToMost as LeastToMost
    from strategies.direct.rendered import Rendered as Rendered
    from strategies.direct.vanilla import Vanilla as Vanilla
    from strategies.domain.telecom_feedback import TELECOM_FEEDBACK as TELECOM_FEEDBACK
    from strategies.domain.three_hop import ThreeHop as ThreeHop
    from strategies.knowledge.defined_terms import DefinedTerms as DefinedTerms
    from strategies.knowledge.guided import Guided as Guided
    from strategies.knowledge.implicit_rag import ImplicitRAG as ImplicitRAG
    from strategies.knowledge.instructed import Instructed as Instructed
    from strategies.knowledge.system2_attention import System2Attention as System2Attention
    from strategies.programs.chain_of_code import ChainOfCode as ChainOfCode
    from strategies.programs.faithful_cot import FaithfulCoT as FaithfulCoT
    from strategies.programs.math_prompter import MathPrompter as MathPrompter
    from strategies.programs.pal import ProgramAided as ProgramAided
    from strategies.programs.program_of_thoughts import ProgramOfThoughts as ProgramOfThoughts
    from strategies.programs.structured_cot import StructuredCoT as StructuredCoT
    from strategies.registry import catalogue as catalogue
    from strategies.registry import get as get
    from strategies.sampling.ensemble_refinement import EnsembleRefinement as EnsembleRefinement
    from strategies.sampling.federated import Federated as Federated
    from strategies.sampling.self_consistency import SelfConsistency as SelfConsistency
    from strategies.sampling.universal_self_consistency import UniversalSelfConsistency as UniversalSelfConsistency
    from strategies.search.tree_of_thoughts import TreeOfThoughts as TreeOfThoughts
    from strategies.spec import split as split
    from strategies.thought.analogical import Analogical as Analogical
    from strategies.thought.chain_of_symbol import ChainOfSymbol as ChainOfSymbol
    from strategies.thought.complex_cot import ComplexCoT as ComplexCoT
    from strategies.thought.contrastive_cot import ContrastiveCoT as ContrastiveCoT
    from strategies.thought.cot import ChainOfThought as ChainOfThought
    from strategies.thought.metacognitive import Metacognitive as Metacognitive
    from strategies.thought.plan_and_solve import PlanAndSolve as PlanAndSolve
    from strategies.thought.thread_of_thought import ThreadOfThought as ThreadOfThought
    from strategies.verification.chain_of_verification import ChainOfVerification as ChainOfVerification
    from strategies.verification.logical_thoughts import LogicalThoughts as LogicalThoughts
    from strategies.workshop import prompts as prompts
    from strategies.workshop import replaced as replaced

_FROM = {
    "Analogical": "thought.analogical",
    "ChainOfCode": "programs.chain_of_code",
    "ChainOfEvent": "decomposition.chain_of_event",
    "ChainOfSymbol": "thought.chain_of_symbol",
    "ChainOfThought": "thought.cot",
    "ChainOfVerification": "verification.chain_of_verification",
    "ComplexCoT": "thought.complex_cot",
    "ContrastiveCoT": "thought.contrastive_cot",
    "Decomposed": "decomposition.decomposed",
    "DefinedTerms": "knowledge.defined_terms",
    "EnsembleRefinement": "sampling.ensemble_refinement",
    "FaithfulCoT": "programs.faithful_cot",
    "Federated": "sampling.federated",
    "Guided": "knowledge.guided",
    "ImplicitRAG": "knowledge.implicit_rag",
    "Instructed": "knowledge.instructed",
    "LeastToMost": "decomposition.least_to_most",
    "LogicalThoughts": "verification.logical_thoughts",
    "MathPrompter": "programs.math_prompter",
    "Metacognitive": "thought.metacognitive",
    "PlanAndSolve": "thought.plan_and_solve",
    "ProgramAided": "programs.pal",
    "ProgramOfThoughts": "programs.program_of_thoughts",
    "Rendered": "direct.rendered",
    "SelfConsistency": "sampling.self_consistency",
    "StructuredCoT": "programs.structured_cot",
    "System2Attention": "knowledge.system2_attention",
    "TELECOM_FEEDBACK": "domain.telecom_feedback",
    "ThreadOfThought": "thought.thread_of_thought",
    "ThreeHop": "domain.three_hop",
    "TreeOfThoughts": "search.tree_of_thoughts",
    "UniversalSelfConsistency": "sampling.universal_self_consistency",
    "Vanilla": "direct.vanilla",
    "catalogue": "registry",
    "get": "registry",
    "prompts": "workshop",
    "replaced": "workshop",
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
