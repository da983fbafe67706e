"""Voting over samples: sample → parse → filter → vote.

    majority([18, 5, 18, None], Number())                             plain values
    vote(samples, kind, weigh="probability", keep=…, min_share=0.5)   weighted, filtered, with abstention
    simulate_stopping(values, kind, Beta(0.95))                       the draws that a stopping rule would use

Unparsed replies and failed calls never vote. Nothing here calls a model, and no result depends on
the order in which replies arrive.
"""

from reasoning.voting.equivalence import AnswerClasses
from reasoning.voting.filters import apply_filters, count_steps, runs_without_error
from reasoning.voting.majority import majority, tie_credit, vote
from reasoning.voting.offline_stopping import StoppingPoint, simulate_stopping
from reasoning.voting.sample import VoteSample
from reasoning.voting.stopping import Beta, Decided, Dirichlet, Fixed, Rule, Window, next_batch_size, stopping_point
from reasoning.voting.vote import Candidate, Vote

__all__ = [
    "AnswerClasses",
    "Beta",
    "Candidate",
    "Decided",
    "Dirichlet",
    "Fixed",
    "Rule",
    "StoppingPoint",
    "Vote",
    "VoteSample",
    "Window",
    "apply_filters",
    "count_steps",
    "majority",
    "next_batch_size",
    "runs_without_error",
    "simulate_stopping",
    "stopping_point",
    "tie_credit",
    "vote",
]
