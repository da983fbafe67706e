"""The expressions on the cards agree with `calls_range` and `rounds_range`."""

from __future__ import annotations

from typing import Any

import pytest

from reasoning import Strategy, strategies
from reasoning.errors import UsageError
from reasoning.registry import places
from reasoning.strategy import technique
from tests import call_counts

# The least and the greatest value of each name that is not a parameter; a greatest one may hang on parameters.
EXPANDED = "limit if search == 'dfs' else 1 + (breadth if breadth else 5) * (depth - 1)"
JUDGED = f"depth if evaluate == 'vote' else (10 if task == 'crosswords' else 1) * children * ({EXPANDED})"
EXPLAINED = "2 * width * (2 ** depth - 1)"
TIMES = "limit if search == 'dfs' else depth"
REPAIRED = {"o": (0, 1), "r": (0, "repairs")}
COUNTS: dict[str, dict[str, tuple[int, int | str]]] = {
    "cot": {"e": (0, 1)},
    "plan_and_solve": {"e": (0, 1)},
    "self_consistency": {"rounds": (1, "samples")},
    "universal_self_consistency": {"c": (0, 1)},
    "least_to_most": {"m": (1, "max_subproblems")},
    "program_of_thoughts": REPAIRED,
    "faithful_cot": REPAIRED,
    "pal": REPAIRED,
    "synthetic": {"o": (0, "1 if chains == 'program' else 0")},
    "chain_of_code": {**REPAIRED, "l": (0, "2 * max_lines * (repairs + 1)")},
    "math_prompter": {"w": (0, "rounds"), "o": (0, 1)},
    "structured_cot": {"r": (0, "samples * repairs"), "m": (0, "repairs")},
    "logical_thoughts": {"s": (0, "max_steps"), "r": (0, "max_steps"), "a": (0, 2)},
    "analogical": {"r": (0, "repairs")},
    "implicit_rag": {"r": (0, 1)},
    "system2_attention": {"r": (0, 1)},
    "chain_of_event": {"d": (1, "max_documents"), "g": (0, 1), "s": (0, 1)},
    "chain_of_verification": {
        "p": (0, "passages"),
        "v": (0, "0 if variant == 'joint' else passages if variant == 'two_step' else passages * max_questions"),
        "c": (0, "passages * max_questions if variant == 'factor_revise' else 0"),
        "r": (0, "passages"),
    },
    "maieutic": {
        "o": (1, "max_options"),
        "n": (0, f"max_options * {EXPLAINED}"),
        "g": (0, f"max_options * ({EXPLAINED} + (2 * width if temperature > 0 else 0))"),
        "r": (0, f"max_options * 2 * ({EXPLAINED} + 1) * (({EXPLAINED} + pairs - 1) // pairs)"),
        "l": (0, "depth"),
        "d": (0, "1 if temperature > 0 else 0"),
        "q": (0, 2),
    },
    "verify_and_edit": {"s": (0, "max_sentences"), "a": (0, "max_sentences"), "p": (0, 1)},
    "chain_of_knowledge": {
        "d": (0, 0),
        "q": (0, "max_rationales * 3"),
        "w": (0, "max_rationales * 2"),
        "e": (0, "max_rationales"),
        "g": (0, "max_rationales - 1"),
        "c": (0, 1),
    },
    "federated": {
        "g": (0, "twins + 1"),
        "n": (1, "(twins + 1) * (paraphrases + 1)"),
        "t": (0, "1 if twins > 0 else 0"),
        "q": (0, "2 if twins > 0 else 1"),
        "f": (1, "2 if twins > 0 else 1"),
    },
    "binder": {"q": (0, "2 * samples * max_calls"), "d": (0, "2 * max_calls")},
    "dater": {"s": (0, 1)},
    "chain_of_table": {"p": (1, 5), "a": (0, "1 + 2 * max_fill_calls + 2 * samples + 2"), "d": (0, 7)},
    "react": {
        "s": (1, "max_steps"),
        "a": (0, "max_steps if actions == 'text' and thoughts == 'every' else 0"),
        "t": (0, 0),
        "w": (0, 0),
    },
    "back_off": {"b": (0, 1)},
    "tree_of_thoughts": {
        "x": (1, EXPANDED),
        "j": (0, f"10 * limit if search == 'dfs' else {JUDGED}"),
        "g": (1, TIMES),
        "w": (0, TIMES),
    },
}
SPECS = [
    *(name for name in places() if name not in ("decomposed", "telecom_feedback")),  # with tests of their own
    "cot(stages=1)", "cot(shots=2)", "sc(cot, samples=7)", "sc(sc(cot, samples=3), samples=4)",
    "least_to_most(max_subproblems=3)", "least_to_most(one_pass=True)", "pot(repairs=2)", "faithful_cot(repairs=3)",
    "pal(repairs=2)", "usc(sc(cot, samples=2), samples=3)", "usc(vanilla, samples=1)", "tot(depth=3, judgements=1)",
    "tot(search='dfs', limit=20)", "tot(evaluate='vote', depth=2)", "tot(breadth=2, depth=5, draws=3)", "tot(depth=1)",
    "tot(task='crosswords', search='dfs', depth=4)", "tot(task='crosswords')", "logical_thoughts(variant='negation')",
    "logical_thoughts(max_steps=3)", "analogical(repairs=0)", "analogical(repairs=3)", "complex_cot(samples=60)",
    "rendered(sc(cot, samples=3))", "instructed(sc(cot, samples=3))", "system2_attention(sc(cot, samples=3))",
    "chain_of_event(max_documents=4)", "ensemble_refinement(sc(cot, samples=2), drafts=3, samples=4)",
    "federated(twins=0)", "federated(twins=2, paraphrases=3)", "federated(sc(cot, samples=2), twins=1, paraphrases=1)",
    "cove(variant='joint')", "cove(variant='two_step', passages=3)", "cove(variant='factor_revise')",
    "cove(cot, variant='factor_revise', passages=3, max_questions=4)", "cove(verifier=cot, variant='factored')",
    "math_prompter(repeats=2, rounds=2)", "chain_of_code(repairs=2, max_lines=3)",
    "structured_cot(samples=3, repairs=2)", "three_hop(samples=3)", "binder(samples=3, max_calls=2)",
    "sc(binder(samples=1), samples=3)", "dater(samples=2)", "chain_of_table(samples=2, max_fill_calls=1)",
    "react(max_steps=3)", "react(actions='native')",
    "react(thoughts='none')", "sc(react, samples=3)", "back_off(sc(cot, samples=21), react)",
    "auto_cot(k=3)", "active_prompt(samples=6)", "synthetic(chains='text')",
    "maieutic(depth=1, width=2, temperature=0)",
    "verify_and_edit(cot(stages=1), samples=3, max_sentences=2)", "verify_and_edit(sc(vanilla, samples=2), samples=2)",
    "chain_of_knowledge(samples=3, max_rationales=2)",
    "maieutic(belief='sampling', belief_samples=3, pairs=7, max_options=2)",
]  # fmt: skip


def ends(strategy: Strategy, place: int) -> dict[str, int]:
    """The least (0) or greatest (1) values of the counts of a strategy and of those within it."""
    found: dict[str, int] = {}
    given: dict[str, Any] = dict(strategy.parameters())
    for name, limits in COUNTS.get(strategy.card.name, {}).items():
        found[name] = call_counts.evaluated(str(limits[place]), given)
    for value in given.values():
        if isinstance(value, Strategy):
            found = {**ends(value, place), **found}
    return found


@pytest.mark.parametrize("spec", SPECS)
def test_the_text_of_a_card_and_its_ranges_are_the_same(spec: str) -> None:
    strategy = strategies.get(spec)
    low, high = ends(strategy, 0), ends(strategy, 1)
    calls = call_counts.calls(strategy, **low), call_counts.calls(strategy, **high)
    assert strategy.calls_range() == calls
    rounds = call_counts.rounds(strategy, **low), call_counts.rounds(strategy, **high)
    assert strategy.rounds_range() == rounds


def test_a_number_or_a_pair_of_numbers_needs_no_method() -> None:
    class Bare(Strategy):
        async def solve(self, *_: object) -> Any: ...

    one, some = (technique(title="Bare", calls=calls)(type("Bare", (Bare,), {})) for calls in (2, (1, 4)))
    assert (one.card.calls, one().calls_range(), one().rounds_range()) == ("2", (2, 2), None)
    assert (some.card.calls, some().calls_range()) == ("1 to 4", (1, 4))
    assert technique(title="Bare", calls="2", rounds="1 to 2")(type("Bare", (Bare,), {}))().rounds_range() == (1, 2)
    for wrong, method in ({"calls": "1 + n"}, "calls_range"), ({"calls": 3, "rounds": "n"}, "rounds_range"):
        with pytest.raises(UsageError, match=f"define {method}"):
            technique(title="Bare", **wrong)(type("Bare", (Bare,), {}))  # type: ignore[arg-type]
