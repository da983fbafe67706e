"""Runs of a chain on its cases: the whole chain, single steps, and the chain with oracle results of some steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reasoning import event_loop
from reasoning.answer import Answer, Failed
from reasoning.benchmarks.chains.cases import Case
from reasoning.branches import gather
from reasoning.chain.chain import Chain
from reasoning.errors import BudgetExhausted, CallFailed, ReasoningError, UsageError
from reasoning.kinds import Kind
from reasoning.messages import Usage
from reasoning.problem import Problem

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM

END = "end to end"


@dataclass(frozen=True)
class PartScore:
    """The score of one part of a case.

    Attributes:
        case: the id of the case.
        digest: the digest of the case.
        part: a step of the whole chain; "STEP alone", a step with gold inputs; "end to end"; or
            "end to end, gold STEP", the chain with that step's result replaced by its gold value.
        state: "answered", "unparsed" or "failed".
        score: the mean of the checks' scores, from 0 to 1; None if it is unknown.
        passed: whether all checks passed; None if the score is unknown.
        reasons: the reasons of the failed checks.
        value: the value that was checked.
        judge_agreed: for each judge, whether both orders gave the same decision.
    """

    case: str
    digest: str
    part: str
    state: str
    score: float | None
    passed: bool | None
    reasons: tuple[str, ...] = ()
    value: Any = None
    judge_agreed: tuple[bool, ...] = ()


@dataclass(frozen=True)
class CaseRun:
    """One run of one case.

    Attributes:
        case: the case.
        chain: the chain to run; without the steps whose results are replaced by gold values.
        parts: for each part that is scored, the name of its step.
    """

    case: Case
    chain: Chain
    parts: Mapping[str, str]


@dataclass(frozen=True)
class RunCost:
    """The cost of one finished run of a case.

    Attributes:
        case: the id of the case.
        parts: the parts that were scored.
        usage: the usage of all its calls, whether new or from the journal.
        incomplete: whether a limit on tokens cut a reply off, or the model declined to reply.
    """

    case: str
    parts: tuple[str, ...]
    usage: Usage
    incomplete: bool


@dataclass
class SuiteResult:
    """The result of a suite.

    Attributes:
        scores: the scores of all finished runs, in the order of the cases.
        costs: the cost of each finished run, in the order of the cases.
        stopped: the error that ended the suite early, if any.
    """

    scores: list[PartScore] = field(default_factory=list)
    costs: list[RunCost] = field(default_factory=list)
    stopped: ReasoningError | None = None


def plan_tests(chain: Chain, cases: Iterable[Case]) -> Iterator[CaseRun]:
    """Yield one run for each case that has a check: its step alone, or the whole chain with all its steps."""
    for case in checked_cases(cases):
        if case.step is not None:
            yield CaseRun(case, isolate_step(chain, case.step, case), {f"{case.step} alone": case.step})
            continue
        *before, last = [step.name for step in chain.steps]
        checked = {check.on for check in case.checks}
        parts = {name: name for name in before if name in checked}
        yield CaseRun(case, chain, {**parts, END: last} if last in checked else parts)


def checked_cases(cases: Iterable[Case]) -> list[Case]:
    """Return the cases that have a check. Without one, any answer would count as right.

    Raises:
        UsageError: no case has a check.
    """
    every = list(cases)
    checked = [case for case in every if case.checks]
    if not checked:
        raise UsageError(f"none of {len(every)} cases has a check: add expected, gold or check")
    return checked


def plan_evaluation(chain: Chain, cases: Iterable[Case]) -> Iterator[CaseRun]:
    """Yield all runs of an evaluation.

    For each case these are the whole chain, each step alone with gold inputs, and the chain with
    gold results of a step or of all inputs of a step. Equal requests are sent once.
    """
    last = chain.steps[-1].name
    for case in checked_cases(cases):
        yield from plan_tests(chain, [case])
        if case.step is not None:
            continue
        checked = {check.on for check in case.checks}
        for step in chain.steps:
            if step.name in checked and chain.dependencies[step.name] <= case.gold.keys():
                yield CaseRun(case, isolate_step(chain, step.name, case), {f"{step.name} alone": step.name})
        if last in checked:
            before = [name for name in chain.dependencies if name in chain.ancestors[last]]
            single = [frozenset([name]) for name in before]
            inputs = [frozenset(chain.dependencies[name]) for name in (*before, last)]
            for names in dict.fromkeys([*single, *inputs]):
                if names and names <= case.gold.keys():
                    yield CaseRun(case, with_oracle(chain, names), {oracle_label(chain, names): last})


def isolate_step(chain: Chain, name: str, case: Case) -> Chain:
    """Return a chain of one step. The values that the step depends on and the case provides become its inputs."""
    known = (chain.input_names | chain.ancestors[name]) & (case.inputs.keys() | case.gold.keys())
    kinds = {known_name: _kind(chain, known_name) for known_name in sorted(known)}
    return Chain(chain.step(name), name=f"{chain.name}.{name}", inputs=kinds)


def oracle_label(chain: Chain, names: Collection[str]) -> str:
    """Return the name of the part "end to end" with gold values as the results of these steps."""
    gold = [step.name for step in chain.steps if step.name in names]
    return f"{END}, gold {' + '.join(gold)}" if gold else END


def with_oracle(chain: Chain, names: Collection[str]) -> Chain:
    """Return the chain with the results of these steps as inputs, without the steps that only they needed."""
    wanted, queue = set[str](), [chain.steps[-1].name]
    while queue:
        wanted.add(queue[-1])
        queue += chain.dependencies[queue.pop()] - set(names) - wanted
    kinds = {name: _kind(chain, name) for name in [*sorted(chain.input_names), *sorted(names)]}
    return chain.replace(steps=tuple(step for step in chain.steps if step.name in wanted), inputs=kinds)


def run_suite(
    runs: Sequence[CaseRun], llm: LLM, on_finished: Callable[[CaseRun], None] = lambda run: None, *, epoch: int = 0
) -> SuiteResult:
    """Run cases concurrently. An exhausted budget or an unreachable model stops the suite.

    Args:
        runs: the runs.
        llm: the model. It is also the judge of checks that name no other model.
        on_finished: called after each run.
        epoch: the number of an independent repetition.
    """
    return event_loop.run_sync(_run_suite(runs, llm, on_finished, epoch))


async def _run_suite(
    runs: Sequence[CaseRun], llm: LLM, on_finished: Callable[[CaseRun], None], epoch: int
) -> SuiteResult:
    result = SuiteResult()
    done: dict[int, tuple[list[PartScore], RunCost]] = {}
    queue = iter(enumerate(runs))

    async def work() -> None:
        for index, run in queue:
            answer, scores = await run_case(run, llm, epoch)
            done[index] = scores, RunCost(run.case.id, tuple(run.parts), answer.usage, _is_incomplete(answer))
            on_finished(run)

    tasks = [asyncio.ensure_future(work()) for _ in range(min(llm.limits.concurrency, len(runs)))]
    try:
        await asyncio.gather(*tasks)
    except (BudgetExhausted, CallFailed) as error:
        result.stopped = error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    result.scores = [score for index in sorted(done) for score in done[index][0]]
    result.costs = [done[index][1] for index in sorted(done)]
    return result


def _is_incomplete(answer: Answer) -> bool:
    replies = [reply for call in answer.trace.calls() for reply in call.completions] if answer.trace else []
    return any(reply.truncated or reply.finish_reason == "refusal" for reply in replies)


async def run_case(run: CaseRun, llm: LLM, epoch: int = 0) -> tuple[Answer, list[PartScore]]:
    """Run one case, and return the chain's answer and the scores of the parts.

    Args:
        run: the run.
        llm: the model. It is also the judge of checks that name no other model.
        epoch: the number of an independent repetition.

    Raises:
        BudgetExhausted, AuthenticationFailed, EndpointDown: no call can succeed.
    """
    answer = await _answer(run, llm, epoch)
    return answer, [await _score(run, part, answer, llm) for part in run.parts]


def case_problem(run: CaseRun) -> Problem:
    """Return the problem that the chain of a run gets."""
    known = {**run.case.gold, **run.case.inputs}
    inputs = {name: known[name] for name in sorted(run.chain.input_names)}
    first = next(iter(inputs.values()), "")
    return Problem(first if isinstance(first, str) else "", inputs=inputs)


async def _answer(run: CaseRun, llm: LLM, epoch: int) -> Answer:
    try:
        return await run.chain.arun(case_problem(run), llm, epoch=epoch)
    except ReasoningError as error:
        if not isinstance(error, UsageError):
            raise
        return Failed(str(error))
    except Exception as error:
        # The chain's own functions may raise anything.
        return Failed(f"{type(error).__name__}: {error}")


async def _score(run: CaseRun, part: str, answer: Answer, llm: LLM) -> PartScore:
    case, name, steps = run.case, run.parts[part], answer.steps
    key = (case.id, case.digest, part)
    if name not in steps:
        if isinstance(answer, Failed):
            return PartScore(*key, answer.state, None, None, (answer.reason,))
        return PartScore(*key, "unparsed", 0.0, False, (answer.reason or f"step {name!r} was not run",))
    kind = _kind(run.chain, name)
    checks = [check for check in case.checks if check.on == name]
    results = await gather([check.evaluate(steps[name], case.gold.get(name), kind, llm) for check in checks])
    reasons = tuple(check.reason for check in results if check.reason)
    agreed = tuple(check.judge_agreed for check in results if check.judge_agreed is not None)
    scores = [check.score for check in results if check.score is not None]
    if len(scores) < len(results):
        return PartScore(*key, "failed", None, None, reasons, steps[name], agreed)
    score, passed = sum(scores) / len(scores), all(check.passed for check in results)
    return PartScore(*key, "answered", score, passed, reasons, steps[name], agreed)


def _kind(chain: Chain, name: str) -> Kind:
    kind = chain.kind_of(name)
    assert kind is not None
    return kind
