"""The results of imported solves: as their tool scored them, or read again by our kinds."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from reasoning.answer import Answered, Unparsed
from reasoning.benchmarks.exchange.solves import Solve, SolveLog
from reasoning.benchmarks.results.result import Result
from reasoning.kinds import PARSER_VERSION
from reasoning.messages import Completion
from reasoning.problem import Example
from reasoning.voting import majority

_LONGEST_VALUE = 500


def as_scored(
    solve: Solve, example: Example, strategy: str, epoch: int, log: SolveLog, right_from: float | None
) -> Result:
    """Return the result with the score of the tool.

    Args:
        solve: the solve.
        example: its problem.
        strategy: the name of its strategy.
        epoch: the repetition.
        log: the log that it comes from.
        right_from: the least score of a right answer; None if scores are 0 or 1.
    """
    failed = solve.score is None
    right = None if solve.score is None else solve.score >= (1.0 if right_from is None else right_from)
    value = None if failed or solve.unread else _value(solve)
    # Some logs have only a score, which says nothing about the reading of a reply.
    is_unread = solve.unread or (value is None and bool(solve.replies) and not right)
    state = "failed" if failed else "unparsed" if is_unread else "answered"
    made_by = f"{log.tool}\0{log.scorer}\0{log.model}\0{log.setup}\0{strategy}"
    return Result(
        problem=str(example.problem.id),
        strategy=strategy,
        fingerprint=f"imported-{hashlib.sha256(made_by.encode('utf-8', 'replace')).hexdigest()[:12]}",
        state=state,
        correct=right,
        value=value,
        rule=f"{log.scorer} of {log.tool.split()[0]}" if state == "answered" else "",
        reason="" if state == "answered" else solve.reason or "no answer",
        usage=solve.usage,
        seconds=round(solve.usage.seconds, 3),
        epoch=epoch,
        parser_version=PARSER_VERSION,
        family=solve.family,
        truncated=solve.truncated,
        token_limit=solve.token_limit,
        refused=solve.refused,
        unrecorded=solve.unrecorded,
    )


def read_again(solve: Solve, example: Example, result: Result) -> Result:
    """Return the result with the answer that our kind reads from the replies; several of them vote.

    Args:
        solve: the solve, with replies.
        example: its problem, with a target of its kind.
        result: the result with the score of the tool.
    """
    kind, finish = example.problem.kind, "length" if solve.truncated else "stop"
    answers = [example.problem.parse(Completion(text, finish)) for text in solve.replies]
    if len(answers) == 1:
        [answer] = answers
        votes: tuple[tuple[str, int], ...] = ()
        value, confidence = getattr(answer, "value", None), None
    else:
        vote = majority([getattr(one, "value", None) for one in answers], kind)
        votes = tuple((kind.show(one), count) for one, count in vote.counts)
        value, confidence = vote.value, vote.share
        answer = Answered(value, rule="vote") if value is not None else next(filter(_is_unparsed, answers))
    return replace(
        result,
        state="unparsed" if value is None else "answered",
        correct=bool(example.score(value)),
        value=None if value is None else kind.show(value),
        rule=answer.rule if isinstance(answer, Answered) else "",
        reason="" if isinstance(answer, Answered) else answer.reason,
        votes=votes,
        confidence=confidence,
    )


def _is_unparsed(answer: object) -> bool:
    return isinstance(answer, Unparsed)


def _value(solve: Solve) -> str | None:
    """Return the answer that the tool read, or else the reply."""
    text = solve.answer if solve.answer is not None else solve.replies[-1] if solve.replies else None
    if text is None or not text.strip():
        return None
    text = text.strip()
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
