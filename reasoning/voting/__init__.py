"""Voting: sample → parse → filter → vote.

    majority([18, 5, 18, None], Number())                      plain values
    vote(draws, kind, weigh="probability", keep=…, min_share=0.5)  weighted, filtered, with abstention
    stopped(values, kind, Beta(0.95))                          how many draws a rule would have used

What could not be read never votes, nor does a failed call. Nothing here calls a model or depends on arrival.
"""

from reasoning.voting.equivalence import Groups
from reasoning.voting.filters import executed, keeping, steps
from reasoning.voting.majority import majority, tie_credit, vote
from reasoning.voting.offline_stopping import Stopped, stopped
from reasoning.voting.sample import Draw
from reasoning.voting.stopping import Beta, Decided, Dirichlet, Fixed, Rule, Window, stopping_point, wave
from reasoning.voting.vote import Candidate, Vote

__all__ = [
    "Beta",
    "Candidate",
    "Decided",
    "Dirichlet",
    "Draw",
    "Fixed",
    "Groups",
    "Rule",
    "Stopped",
    "Vote",
    "Window",
    "executed",
    "keeping",
    "majority",
    "steps",
    "stopped",
    "stopping_point",
    "tie_credit",
    "vote",
    "wave",
]
