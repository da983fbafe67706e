"""Trials: a chain, a step alone, or a chain in which a step's result is given, on cases; and what came of each."""

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
from reasoning.problem import Problem

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM

END = "end to end"


@dataclass(frozen=True)
class PartScore:
    """What came of one part of a case.

    Attributes:
        case: its id.
        digest: of the case.
        part: the step, in the chain; "STEP alone", from right inputs; "end to end"; "end, right STEP", where that
            step's result was given.
        state: "answered", "unparsed" or "failed".
        score: the mean of its checks, from 0 to 1; None where it could not be told.
        passed: whether all checks are; None likewise.
        why: what is wrong.
        value: what there was to check.
        agreed: of each judge, whether it said the same in both orders.
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
        chain: what is run: the chain, or what is left of it where something is given.
        parts: what is looked at, and of which step that is.
    """

    case: Case
    chain: Chain
    parts: Mapping[str, str]


@dataclass
class SuiteResult:
    """What trials come to.

    Attributes:
        outcomes: of all that were finished, in the order of the cases.
        stopped: what ended them before their end.
    """

    scores: list[PartScore] = field(default_factory=list)
    stopped: ReasoningError | None = None


def plan_tests(chain: Chain, cases: Iterable[Case]) -> Iterator[CaseRun]:
    """Each case that checks something, once: a step alone, or the whole chain with all its steps looked at."""
    for case in checked_cases(cases):
        if case.step is not None:
            yield CaseRun(case, isolate_step(chain, case.step, case), {f"{case.step} alone": case.step})
            continue
        *before, last = [step.name for step in chain.steps]
        on = {check.on for check in case.checks}
        parts = {name: name for name in before if name in on}
        yield CaseRun(case, chain, {**parts, END: last} if last in on else parts)


def checked_cases(cases: Iterable[Case]) -> list[Case]:
    """The cases that say what is right. Where nothing is checked, that an answer came would count as a right one.

    Raises:
        UsageError: there is none.
    """
    all_of_them = list(cases)
    found = [case for case in all_of_them if case.checks]
    if not found:
        raise UsageError(f"none of {len(all_of_them)} cases says what is right: add expected, gold or check")
    return found


def plan_evaluation(chain: Chain, cases: Iterable[Case]) -> Iterator[CaseRun]:
    """All that can be learned from each case: the whole, each step from right inputs, and the end with the right result
    of a step, or of all that a step reads. What the same request asks is asked once."""
    last = chain.steps[-1].name
    for case in checked_cases(cases):
        yield from plan_tests(chain, [case])
        if case.step is not None:
            continue
        on = {check.on for check in case.checks}
        for step in chain.steps:
            if step.name in on and chain.needs[step.name] <= case.gold.keys():
                yield CaseRun(case, isolate_step(chain, step.name, case), {f"{step.name} alone": step.name})
        if last in on:
            before = [name for name in chain.needs if name in chain.ancestors[last]]
            sets = dict.fromkeys(
                [*(frozenset([name]) for name in before), *(chain.needs[name] for name in (*before, last))]
            )
            for names in sets:
                if names and names <= case.gold.keys():
                    yield CaseRun(case, with_oracle(chain, names), {oracle_label(chain, names): last})


def isolate_step(chain: Chain, name: str, case: Case) -> Chain:
    """The step as a chain of its own: what it comes from, and is known of a case, is an input."""
    known = (chain.inputs | chain.ancestors[name]) & (case.inputs.keys() | case.gold.keys())
    kinds = {one: _kind(chain, one) for one in sorted(known)}
    return Chain(chain.step(name), name=f"{chain.name}.{name}", takes=kinds)


def oracle_label(chain: Chain, names: Collection[str]) -> str:
    """What the end is called where the results of some steps are right ones that were given."""
    given = [step.name for step in chain.steps if step.name in names]
    return f"end, right {' + '.join(given)}" if given else END


def with_oracle(chain: Chain, names: Collection[str]) -> Chain:
    """The chain in which the results of some steps are inputs; what only these needed is left out."""
    wanted, left = set[str](), [chain.steps[-1].name]
    while left:
        wanted.add(left[-1])
        left += chain.needs[left.pop()] - set(names) - wanted
    kinds = {one: _kind(chain, one) for one in [*sorted(chain.inputs), *sorted(names)]}
    return chain.replace(steps=tuple(step for step in chain.steps if step.name in wanted), takes=kinds)


def run_suite(
    trials: Sequence[CaseRun], llm: LLM, tell: Callable[[CaseRun], None] = lambda trial: None, *, epoch: int = 0
) -> SuiteResult:
    """Run trials side by side. A budget that is used up, or a model that cannot be reached, stops them.

    Args:
        trials: what is to be run.
        llm: the model, and the judge where a check names no other.
        tell: told of each trial that is finished.
        epoch: the number of an independent repetition.
    """
    return event_loop.run_sync(_through(trials, llm, tell, epoch))


async def _through(trials: Sequence[CaseRun], llm: LLM, tell: Callable[[CaseRun], None], epoch: int) -> SuiteResult:
    found = SuiteResult()
    done: dict[int, list[PartScore]] = {}
    left = iter(enumerate(trials))

    async def work() -> None:
        for place, trial in left:
            answer = await _answer(trial, llm, epoch)
            done[place] = [await _outcome(trial, part, answer, llm) for part in trial.parts]
            tell(trial)

    tasks = [asyncio.ensure_future(work()) for _ in range(min(llm.limits.concurrency, len(trials)))]
    try:
        await asyncio.gather(*tasks)
    except (BudgetExhausted, CallFailed) as error:
        found.stopped = error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    found.scores = [one for place in sorted(done) for one in done[place]]
    return found


async def _answer(trial: CaseRun, llm: LLM, epoch: int) -> Answer:
    known = {**trial.case.gold, **trial.case.inputs}
    given = {name: known[name] for name in sorted(trial.chain.inputs)}
    first = next(iter(given.values()), "")
    problem = Problem(first if isinstance(first, str) else "", inputs=given)
    try:
        return await trial.chain.arun(problem, llm, epoch=epoch)
    except ReasoningError as error:
        if not isinstance(error, UsageError):
            raise
        return Failed(str(error))
    except Exception as error:  # a function of the chain's own
        return Failed(f"{type(error).__name__}: {error}")


async def _outcome(trial: CaseRun, part: str, answer: Answer, llm: LLM) -> PartScore:
    """What the checks say of one part."""
    case, name, steps = trial.case, trial.parts[part], answer.steps
    about = (case.id, case.digest, part)
    if name not in steps:
        if isinstance(answer, Failed):
            return PartScore(*about, answer.state, None, None, (answer.reason,))
        return PartScore(*about, "unparsed", 0.0, False, (answer.reason or f"step {name!r} was not run",))
    kind = _kind(trial.chain, name)
    checks = [check for check in case.checks if check.on == name]
    verdicts = await gather([one.evaluate(steps[name], case.gold.get(name), kind, llm) for one in checks])
    why = tuple(one.reason for one in verdicts if one.reason)
    agreed = tuple(one.judge_agreed for one in verdicts if one.judge_agreed is not None)
    scores = [one.score for one in verdicts if one.score is not None]
    if len(scores) < len(verdicts):
        return PartScore(*about, "failed", None, None, why, steps[name], agreed)
    score, passed = sum(scores) / len(scores), all(one.passed for one in verdicts)
    return PartScore(*about, "answered", score, passed, why, steps[name], agreed)


def _kind(chain: Chain, name: str) -> Kind:
    kind = chain.kind_of(name)
    assert kind is not None
    return kind
