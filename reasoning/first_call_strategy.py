"""The base class of strategies whose first call depends on the problem alone."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import nullcontext

from reasoning.answer import Answer
from reasoning.branches import FirstCall
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategy import Strategy


class FirstCallStrategy(Strategy):
    """A strategy whose first call depends on the problem alone.

    A technique defines `first_call`, and `continue_from` for replies that do not settle the answer;
    `solve` uses the two. So several draws of the strategy can share one request for their first
    calls: a vote of 20 over `cot` sends one request, and opens a session only for the draws that
    must continue.
    """

    @abstractmethod
    def first_call(self, problem: Problem) -> FirstCall:
        """Return the first call for a problem."""

    async def continue_from(self, call: FirstCall, reply: Completion, problem: Problem, session: Session) -> Answer:
        """Return the answer when the reply to the first call does not settle it.

        A technique whose `FirstCall.resolve` always returns an answer need not define it.

        Args:
            call: the first call.
            reply: the model's reply to it.
            problem: the problem.
            session: the session, in which the first call has been made.
        """
        raise NotImplementedError(f"{type(self).__name__}.continue_from: the first reply does not settle the answer")

    async def solve(self, problem: Problem, session: Session) -> Answer:
        """Make the first call; return the answer that its reply settles, or continue from it."""
        call = self.first_call(problem)
        with session.stage(call.stage) if call.stage else nullcontext():
            reply = await session.ask(call.messages, **call.params)
        return call.resolve(reply) or await self.continue_from(call, reply, problem, session)

    @property
    def shares_first_call(self) -> bool:
        """True if `solve` uses `first_call`. A subclass that overrides `solve` may begin in another way."""
        return type(self).solve is FirstCallStrategy.solve
