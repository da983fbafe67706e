"""The shelf: which strategies there are. Others add theirs through the entry-point group `reasoning.strategies`."""

from __future__ import annotations

import importlib
import warnings
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from reasoning import spec as language
from reasoning.card import Card
from reasoning.errors import UnknownName, UsageError
from reasoning.strategy import Strategy

_SHELF = {
    "vanilla": "reasoning.strategies.direct.vanilla:Vanilla",
    "cot": "reasoning.strategies.thought.cot:ChainOfThought",
    "self_consistency": "reasoning.strategies.sampling.self_consistency:SelfConsistency",
    "least_to_most": "reasoning.strategies.decomposition.least_to_most:LeastToMost",
    "program_of_thoughts": "reasoning.strategies.programs.program_of_thoughts:ProgramOfThoughts",
    "universal_self_consistency": "reasoning.strategies.sampling.universal_self_consistency:UniversalSelfConsistency",
    "tree_of_thoughts": "reasoning.strategies.search.tree_of_thoughts:TreeOfThoughts",
    "logical_thoughts": "reasoning.strategies.verification.logical_thoughts:LogicalThoughts",
    "plan_and_solve": "reasoning.strategies.thought.plan_and_solve:PlanAndSolve",
    "thread_of_thought": "reasoning.strategies.thought.thread_of_thought:ThreadOfThought",
    "metacognitive": "reasoning.strategies.thought.metacognitive:Metacognitive",
    "analogical": "reasoning.strategies.thought.analogical:Analogical",
    "chain_of_symbol": "reasoning.strategies.thought.chain_of_symbol:ChainOfSymbol",
    "contrastive_cot": "reasoning.strategies.thought.contrastive_cot:ContrastiveCoT",
    "complex_cot": "reasoning.strategies.sampling.complex_cot:ComplexCoT",
    "rendered": "reasoning.strategies.direct.prompt_format:PromptFormat",
    "instructed": "reasoning.strategies.knowledge.instructed:InstructedPrompting",
    "system2_attention": "reasoning.strategies.knowledge.system2_attention:System2Attention",
    "implicit_rag": "reasoning.strategies.knowledge.implicit_rag:ImplicitRAG",
    "defined_terms": "reasoning.strategies.knowledge.defined_terms:DefinedTerms",
    "guided": "reasoning.strategies.knowledge.guideline:GuidelinePrompting",
    "chain_of_event": "reasoning.strategies.decomposition.chain_of_event:ChainOfEvent",
    "ensemble_refinement": "reasoning.strategies.sampling.ensemble_refinement:EnsembleRefinement",
    "federated": "reasoning.strategies.sampling.federated:Federated",
    "chain_of_verification": "reasoning.strategies.verification.chain_of_verification:ChainOfVerification",
    "decomposed": "reasoning.strategies.decomposition.decomposed_prompting:DecomposedPrompting",
    "pal": "reasoning.strategies.programs.pal:PAL",
    "faithful_cot": "reasoning.strategies.programs.faithful_cot:FaithfulCoT",
    "math_prompter": "reasoning.strategies.programs.math_prompter:MathPrompter",
    "chain_of_code": "reasoning.strategies.programs.chain_of_code:ChainOfCode",
    "structured_cot": "reasoning.strategies.programs.structured_cot:StructuredCoT",
    "three_hop": "reasoning.strategies.domain.three_hop:ThreeHop",
    "telecom_feedback": "reasoning.strategies.domain.telecom_feedback:TELECOM_FEEDBACK",
}
GROUP = "reasoning.strategies"


def get(spec: str | Strategy) -> Strategy:
    """A strategy by its spec, such as `cot` or `self_consistency(cot, samples=5)`; a strategy is given back as it is.

    Raises:
        SpecError, UnknownName, UsageError: says what is wrong, where, and the nearest right name.
    """
    if isinstance(spec, Strategy):
        return spec
    if not isinstance(spec, str) or not spec.strip():
        raise UsageError(f"a strategy is named by a spec such as 'cot' or 'cot(shots=4)', not {spec!r}")
    return language.build(spec, _find)


def places() -> dict[str, str]:
    """Where each strategy of the shelf is, as "package.module:attribute", by name."""
    return dict(_SHELF)


def catalogue() -> dict[str, Card]:
    """The card of every strategy, by name, in the order of the shelf; those of plug-ins come after ours."""
    cards, broken = _cards()
    for error in broken:
        warnings.warn(str(error), stacklevel=2)
    return cards


def _cards() -> tuple[dict[str, Card], list[UsageError]]:
    """Every card, and what is wrong with plug-ins that have none: one broken plug-in must not hide the others."""
    cards: dict[str, Card] = {}
    broken = []
    for name in [*_SHELF, *_plugins()]:
        try:
            cards[name] = _load(name).card
        except UsageError as error:
            broken.append(error)
    return cards, broken


def _find(name: str, where: str) -> type[Strategy] | Strategy:
    if name in _SHELF or name in _plugins():
        return _load(name)
    cards, _ = _cards()
    for known, card in cards.items():
        if name in card.aliases:
            return _load(known)
    raise UnknownName("strategy", name, [*cards, *(alias for card in cards.values() for alias in card.aliases)], where)


def _load(name: str) -> type[Strategy] | Strategy:
    if name in _SHELF:
        module, _, attribute = _SHELF[name].partition(":")
        found = getattr(importlib.import_module(module), attribute)
    else:
        point = _plugins()[name]
        try:
            found = point.load()
        except Exception as error:
            raise UsageError(f"the strategy {name!r} ({point.value}) cannot be imported: {error}") from error
    if not isinstance(found, Strategy) and not (isinstance(found, type) and issubclass(found, Strategy)):
        raise UsageError(f"the entry point {name!r} names {found!r}, which is no Strategy")
    if not hasattr(found, "card"):
        raise UsageError(f"the strategy {name!r} has no card: decorate it with @technique(title=…, calls=…)")
    return found


@cache
def _plugins() -> dict[str, EntryPoint]:
    """By name. The shelf's own names cannot be taken over."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in _SHELF}
