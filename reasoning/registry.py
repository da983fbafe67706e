"""The registry of strategies: the library's own techniques, and those of plug-ins.

Other distributions add strategies through the entry-point group `reasoning.strategies`, and classes
that a spec may call through `reasoning.spec_values`. They cannot replace the library's own names.
"""

from __future__ import annotations

import importlib
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning import plugins
from reasoning.errors import UnknownName, UsageError

# The table loads no technique: `reasoning.strategies` needs only the names, and a command only one technique.
if TYPE_CHECKING:
    from reasoning.card import Card
    from reasoning.strategy import Strategy

_TECHNIQUES = {
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
    "active_prompt": "reasoning.strategies.demonstrations.active_prompt:ActivePrompt",
    "auto_cot": "reasoning.strategies.demonstrations.generated.auto_cot:AutoCoT",
    "synthetic": "reasoning.strategies.demonstrations.generated.synthetic:SyntheticPrompting",
    "rendered": "reasoning.strategies.direct.prompt_format:PromptFormat",
    "at": "reasoning.strategies.direct.effort:Effort",
    "instructed": "reasoning.strategies.knowledge.instructed:InstructedPrompting",
    "system2_attention": "reasoning.strategies.knowledge.system2_attention:System2Attention",
    "implicit_rag": "reasoning.strategies.knowledge.implicit_rag:ImplicitRAG",
    "defined_terms": "reasoning.strategies.knowledge.defined_terms:DefinedTerms",
    "guided": "reasoning.strategies.knowledge.guideline:GuidelinePrompting",
    "chain_of_event": "reasoning.strategies.decomposition.chain_of_event:ChainOfEvent",
    "ensemble_refinement": "reasoning.strategies.sampling.ensemble_refinement:EnsembleRefinement",
    "federated": "reasoning.strategies.sampling.federated:Federated",
    "chain_of_verification": "reasoning.strategies.verification.chain_of_verification:ChainOfVerification",
    "maieutic": "reasoning.strategies.verification.maieutic:Maieutic",
    "chain_of_knowledge": "reasoning.strategies.knowledge.chain_of_knowledge:ChainOfKnowledge",
    "verify_and_edit": "reasoning.strategies.verification.verify_and_edit:VerifyAndEdit",
    "decomposed": "reasoning.strategies.decomposition.decomposed_prompting:DecomposedPrompting",
    "pal": "reasoning.strategies.programs.pal:PAL",
    "faithful_cot": "reasoning.strategies.programs.faithful_cot:FaithfulCoT",
    "math_prompter": "reasoning.strategies.programs.math_prompter:MathPrompter",
    "chain_of_code": "reasoning.strategies.programs.chain_of_code:ChainOfCode",
    "structured_cot": "reasoning.strategies.programs.structured_cot:StructuredCoT",
    "binder": "reasoning.strategies.tables.binder:Binder",
    "dater": "reasoning.strategies.tables.dater:Dater",
    "chain_of_table": "reasoning.strategies.tables.chain_of_table:ChainOfTable",
    "react": "reasoning.strategies.acting.react:ReAct",
    "back_off": "reasoning.strategies.acting.back_off:BackOff",
    "three_hop": "reasoning.strategies.domain.three_hop:ThreeHop",
    "telecom_feedback": "reasoning.strategies.domain.telecom_feedback:TELECOM_FEEDBACK",
}
"""The locations of the techniques, as "package.module:attribute", by their names in specs."""

_SPEC_VALUES = {
    "Pool": "reasoning.strategies.demonstrations.pool:DemonstrationPool",
    "WorkedExample": "reasoning.strategies.demonstrations.worked_example:WorkedExample",
    "SolvedStep": "reasoning.strategies.demonstrations.worked_example:SolvedStep",
    "Game24": "reasoning.strategies.search.game24:Game24",
    "Crosswords": "reasoning.strategies.search.crosswords:Crosswords",
    "CreativeWriting": "reasoning.strategies.search.creative_writing:CreativeWriting",
    "Steps": "reasoning.strategies.search.stepwise:Steps",
    "Index": "reasoning.retrieval.index:Index",
}
"""The locations of the classes that a spec may call as a parameter, by their names in specs."""

_CHAINS = {
    "blank": "reasoning.strategies.domain.blank",
    "claims": "reasoning.strategies.domain.claims",
    "grounded_answer": "reasoning.strategies.domain.grounded_answer",
    "telecom_feedback": "reasoning.strategies.domain.telecom_feedback",
}
"""The package of each bundled chain, which is its folder, by the chain's name."""

GROUP = "reasoning.strategies"
SPEC_VALUES_GROUP = "reasoning.spec_values"


def get(spec: str | Strategy) -> Strategy:
    """Return the strategy that a spec describes.

    Args:
        spec: a call expression such as "cot" or "self_consistency(cot, samples=5)"; a strategy is
            returned unchanged.

    Raises:
        SpecError: the spec is not a call expression; marks the position.
        UnknownName: a strategy, parameter or value does not exist; suggests the nearest one.
        UsageError: a parameter does not take its value.

    Examples:
        >>> from reasoning import strategies
        >>> vote = strategies.get("self_consistency(cot, samples=5)")
        >>> vote.samples, vote.base
        (5, cot)
        >>> strategies.get(repr(vote)) == vote
        True
        >>> strategies.get("self_consistancy")
        Traceback (most recent call last):
        reasoning.errors.UnknownName: unknown strategy 'self_consistancy' at column 1 of ...
    """
    from reasoning import spec as language
    from reasoning.strategy import Strategy

    if isinstance(spec, Strategy):
        return spec
    if not isinstance(spec, str) or not spec.strip():
        raise UsageError(f"a strategy is named by a spec such as 'cot' or 'cot(shots=4)', got {spec!r}")
    return language.build(spec, _find, _find_value)


def places() -> dict[str, str]:
    """Return the location of each of the library's techniques, as "package.module:attribute", by name."""
    return dict(_TECHNIQUES)


def bundled_chains() -> dict[str, Path]:
    """Return the folder of each bundled chain, by name."""
    specs = {name: find_spec(package) for name, package in _CHAINS.items()}
    return {name: Path(spec.origin).parent for name, spec in specs.items() if spec is not None and spec.origin}


def catalogue() -> dict[str, Card]:
    """Return the card of every strategy by name: the library's own in their order, then those of plug-ins.

    A plug-in that cannot be used is left out with a warning.
    """
    cards, broken = _cards()
    for error in broken:
        warnings.warn(str(error), stacklevel=2)
    return cards


def _cards() -> tuple[dict[str, Card], list[UsageError]]:
    """Return all cards, and the errors of broken plug-ins, which must not hide the others."""
    cards: dict[str, Card] = {}
    broken = []
    for name in dict.fromkeys([*_TECHNIQUES, *plugins.entry_points(GROUP)]):
        try:
            cards[name] = _load(name).card
        except UsageError as error:
            broken.append(error)
    return cards, broken


def _find(name: str, where: str) -> type[Strategy] | Strategy:
    if name in _TECHNIQUES or name in plugins.entry_points(GROUP):
        return _load(name)
    cards, _ = _cards()
    for known, card in cards.items():
        if name in card.aliases:
            return _load(known)
    raise UnknownName("strategy", name, [*cards, *(alias for card in cards.values() for alias in card.aliases)], where)


def _find_value(name: str) -> type[Any] | None:
    if name in _SPEC_VALUES:
        return _import(_SPEC_VALUES[name])  # type: ignore[no-any-return]
    # Strategies have lower-case names; no entry points are read for them.
    if not name[:1].isupper() or name not in plugins.entry_points(SPEC_VALUES_GROUP):
        return None
    return plugins.load(SPEC_VALUES_GROUP, name)  # type: ignore[no-any-return]


def _load(name: str) -> type[Strategy] | Strategy:
    if name in _TECHNIQUES:
        return _import(_TECHNIQUES[name])  # type: ignore[no-any-return]
    from reasoning.strategy import Strategy

    loaded = plugins.load(GROUP, name)
    if not isinstance(loaded, Strategy) and not (isinstance(loaded, type) and issubclass(loaded, Strategy)):
        raise plugins.wrong(GROUP, name, f"names {loaded!r}, which is not a Strategy")
    if not hasattr(loaded, "card"):
        raise plugins.wrong(GROUP, name, "has no card: decorate the class with @technique(title=…, calls=…)")
    return loaded


def _import(location: str) -> Any:
    module, _, attribute = location.partition(":")
    return getattr(importlib.import_module(module), attribute)
