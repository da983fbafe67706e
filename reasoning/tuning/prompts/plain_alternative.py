"""The plainest use of the tokens that a candidate takes: more shots, or a vote, of the original."""

from __future__ import annotations

from reasoning.errors import UsageError
from reasoning.problem import Example
from reasoning.strategies.sampling.self_consistency import SelfConsistency
from reasoning.tables import pluralize
from reasoning.token_estimate import estimate_tokens
from reasoning.tuning.prompts.bootstrap import labelled_demonstrations
from reasoning.tuning.prompts.final_test import PLAIN_ARM, Arm
from reasoning.tuning.prompts.parts import ORIGINAL, Candidate
from reasoning.tuning.prompts.search import Search

LEAST_VOTE = 3
"""The smallest vote."""
_MOST_SHOTS = 16
_TURN_TOKENS = 8
"""The tokens of the marks around the two turns of a demonstration."""


def plain_alternative(search: Search, best: Candidate) -> Arm | None:
    """Return the plainest use of the tokens that one solve of a candidate takes.

    That is more shots, examples of the train pool with their answers, if the candidate takes less than three times
    the tokens of the original; else a vote over as many samples of the original. A chain whose steps are checked has
    neither.

    Args:
        search: the search.
        best: the candidate.
    """
    strategy = search.tunable.strategy
    tokens, of_original = search.tokens_per_solve(best), search.tokens_per_solve(ORIGINAL)
    times = tokens / of_original if of_original else 1.0
    example = search.selection[0].content
    if not isinstance(example, Example):
        return None
    shots = _more_shots(search, tokens - of_original) if times < LEAST_VOTE else None
    if shots is not None and shots.key != best.key:
        [demos] = shots.demonstrations.values()
        about = f"the original with {pluralize(len(demos), 'labelled example')}"
        return Arm(PLAIN_ARM, about, search.tunable.apply(shots))
    own = getattr(strategy, "samples", None)
    try:
        if isinstance(own, int):
            samples = max(own + 1, int(own * times))
            return Arm(PLAIN_ARM, f"the original with {samples} samples", strategy.replace(samples=samples))
        samples = max(LEAST_VOTE, int(times))
        vote = SelfConsistency(base=strategy, samples=samples)
        vote.check_supports(example.problem.kind)
        return Arm(PLAIN_ARM, f"a vote over {samples} samples of the original", vote)
    except UsageError:
        return None


def _more_shots(search: Search, tokens: float) -> Candidate | None:
    """Return the original with as many labelled examples as some tokens pay for; None if they pay for none."""
    known = [one for one in search.train_evaluations() if one.fills]
    found = labelled_demonstrations(search, known, _MOST_SHOTS)
    for name, demos in found.items():
        lengths = [estimate_tokens(demo.input + demo.output) + _TURN_TOKENS for demo in demos]
        number = max((n for n in range(1, len(demos) + 1) if sum(lengths[:n]) <= tokens), default=0)
        if number:
            return Candidate(demonstrations={name: demos[:number]}, origin=f"{number} labelled examples")
    return None
