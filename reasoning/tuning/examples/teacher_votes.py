"""The votes of a teacher on one input of a step: drawn until enough agree, or until they no longer can."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from reasoning.answer import Answer, Answered, Failed
from reasoning.branches import gather
from reasoning.chain.events import CallLost
from reasoning.chain.step import Step
from reasoning.chain.step_replies import read_reply
from reasoning.chain.step_runner import run_step
from reasoning.draw_stream import DrawStream
from reasoning.engine.single_flight import CallContext
from reasoning.errors import UsageError
from reasoning.messages import Usage
from reasoning.session import Session
from reasoning.strategy import Strategy
from reasoning.trace import Trace
from reasoning.tuning.examples.step_inputs import StepInput

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM

Outcome = Literal["kept", "refused", "disagreed", "failed"]
VOTE_TEMPERATURE = 0.7
"""The sampling temperature of several votes if the model has none above 0 (as in Wang et al. 2022)."""


@dataclass(frozen=True)
class Teacher:
    """A model that answers a step, directly or by a strategy.

    Attributes:
        step: the step as `StepReader.step` has it: for a single input, without a fallback.
        llm: the model.
        votes: the largest number of answers to one input.
        agree: the number of equal answers that make a label; more than half of the votes.
        strategy: the strategy that answers the step's prompt; None for the step's own call.

    Raises:
        UsageError: the numbers do not fit together.
    """

    step: Step
    llm: LLM
    votes: int
    agree: int
    strategy: Strategy | None = None

    def __post_init__(self) -> None:
        if self.votes < 1:
            raise UsageError(f"--votes must be at least 1, got {self.votes}")
        if not self.votes / 2 < self.agree <= self.votes:
            raise UsageError(
                f"--agree must be more than half of --votes and at most all {self.votes} of them, got {self.agree}"
            )

    @property
    def name(self) -> str:
        """The model with the digest of its weights if it is local, and the strategy if there is one."""
        model = self.llm.client.model
        return model if self.strategy is None else f"{self.strategy!r} on {model}"

    @property
    def answering_step(self) -> Step:
        """The step that is run for a vote.

        It repairs rejected replies as it does at run time. Several votes are sampled, since equal
        requests at temperature 0 would not tell how sure the teacher is.
        """
        if self.strategy is not None:
            return replace(self.step, strategy=self.strategy)
        if self.votes == 1:
            return self.step
        temperature = self.llm.sampling["temperature"] or VOTE_TEMPERATURE
        return replace(self.step, sampling={**self.step.sampling, "temperature": temperature})


@dataclass(frozen=True)
class Verdict:
    """The outcome of the votes on one input.

    Attributes:
        outcome: "kept" for a label; "refused" if too few answers pass the step's parser and checks;
            "disagreed" if too few of them agree; "failed" if a call failed for good.
        reply: the label as text; "" without one.
        reason: why there is no label; "" if there is one.
        usage: the sum over all draws.
    """

    outcome: Outcome
    reply: str = ""
    reason: str = ""
    usage: Usage = field(default_factory=Usage)


async def vote(teacher: Teacher, given: StepInput) -> Verdict:
    """Return what the teacher's votes on an input decide.

    Vote `k` has the draws of epoch `k`, so a repeated labelling makes no call again. No vote is drawn
    that can no longer matter.

    Raises:
        BudgetExhausted: the budget does not cover a call.
        CallFailed: no call can succeed.
    """
    step = teacher.answering_step
    values: dict[Hashable, list[Any]] = {}
    traces: list[Trace] = []
    refusals: list[str] = []
    lost: list[str] = []
    while (best := max(map(len, values.values()), default=0)) < teacher.agree <= best + teacher.votes - len(traces):
        new = [Trace(f"label {step.name}") for _ in range(teacher.agree - best)]
        starts = range(len(traces), len(traces) + len(new))
        traces += new
        answers = await gather(
            [_answer(step, given, teacher.llm, trace, epoch) for trace, epoch in zip(new, starts, strict=True)]
        )
        for trace, answer in zip(new, answers, strict=True):
            if isinstance(answer, Answered):
                values.setdefault(step.returns.key(answer.value), []).append(answer.value)
            elif isinstance(answer, Failed) and not answer.refused and _lost_a_call(trace):
                lost.append(answer.reason.removeprefix(f"step {step.name!r}: "))
            else:
                refusals.append(answer.reason.removeprefix(f"step {step.name!r}: "))
    verdict = Verdict("kept", usage=Usage.total(trace.usage for trace in traces))
    if best >= teacher.agree:
        value = next(found[0] for found in values.values() if len(found) == best)
        reply = step.returns.show(value)
        if fault := find_loss(teacher.step, reply, value, given.values):
            return replace(verdict, outcome="refused", reason=fault)
        return replace(verdict, reply=reply)
    if best + len(lost) + teacher.votes - len(traces) >= teacher.agree:
        return replace(verdict, outcome="failed", reason=lost[0])
    if len(refusals) > teacher.votes - teacher.agree:
        return replace(verdict, outcome="refused", reason=refusals[0])
    parsed = sum(map(len, values.values()))
    return replace(verdict, outcome="disagreed", reason=f"{best} of {parsed + len(refusals)} votes agree")


async def _answer(step: Step, given: StepInput, llm: LLM, trace: Trace, epoch: int) -> Answer:
    context = CallContext(llm.budget, llm.journal, trace.name)
    session = Session(llm, trace, stream=DrawStream(epoch=epoch), context=context)
    return await run_step(step, given.values, given.texts, session)


def _lost_a_call(trace: Trace) -> bool:
    return any(isinstance(event, CallLost) for event in trace.events)


def find_loss(step: Step, reply: str, value: Any, values: Mapping[str, Any]) -> str:
    """Return the reason why the step would not read a value back from a reply; "" if it would.

    Args:
        step: the step.
        reply: the value as text.
        value: the value.
        values: what the step read, by name.
    """
    parsed, error = read_reply(step, reply, values)
    if error is not None:
        return f"written as one reply, it is rejected: {error}"
    if not step.returns.same(parsed, value):
        return "written as one reply, it is read as another value"
    return ""
