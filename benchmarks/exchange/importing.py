"""Import of the logs of other tools: a results folder with their problems, scores, replies and usage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reasoning import kinds
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.exchange.disagreements import Disagreement, to_table
from reasoning.benchmarks.exchange.pairing import Paired, pair
from reasoning.benchmarks.exchange.problems import to_examples
from reasoning.benchmarks.exchange.rereading import as_scored, read_again
from reasoning.benchmarks.exchange.solves import Solve, SolveLog
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.settings import default_folder
from reasoning.errors import InputError
from reasoning.files import new_folder
from reasoning.kinds import Kind
from reasoning.messages import Completion, Usage
from reasoning.problem import Example
from reasoning.text_safety import dump_json
from reasoning.trace import Call, Trace

DISAGREEMENTS = "disagreements.csv"
"""The name of the file with the solves that are right for the tool and wrong for us, or the reverse."""


@dataclass(frozen=True)
class Import:
    """The outcome of an import.

    Attributes:
        folder: the results folder.
        comparison: its results.
        paired: how the strategies were paired, in one line.
        rescored: whether the replies were read again.
        reread: the number of replies that were; the others have no text, or failed.
        disagreements: the solves whose score then differs.
        is_new: False if the folder was there, made by the same import.
    """

    folder: Path
    comparison: Comparison
    paired: str
    rescored: bool = False
    reread: int = 0
    disagreements: tuple[Disagreement, ...] = ()
    is_new: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints: the comparison, and what was imported."""
        imported: dict[str, Any] = {"folder": str(self.folder), "paired": self.paired, "rescored": self.rescored}
        if self.rescored:
            imported |= {"reread": self.reread, "disagreements": [one.to_json() for one in self.disagreements]}
        return self.comparison.to_json(spent=False) | {"imported": imported}


def import_logs(
    logs: Sequence[tuple[str, SolveLog]],
    out: Path | None = None,
    *,
    kind: Kind | str = "",
    rescore: bool = False,
    right_from: float | None = None,
    task: str = "",
    repeats: bool = False,
) -> Import:
    """Make a results folder of the logs of other tools.

    Args:
        logs: each log with the name of its strategy; an empty name is made of what distinguishes the log.
        out: the folder; by default one for these logs, under results/.
        kind: the kind of all answers, or its name; by default a choice for problems with options, else inferred
            from the targets. A kind implies `rescore`.
        rescore: read the replies again by the kind, instead of taking over the tool's scores.
        right_from: the least score of a right answer. Without it, every score must be 0 or 1.
        task: the name of the task, instead of the one in the logs.
        repeats: whether rows of one problem without a number are its repetitions.

    Returns:
        The outcome. An equal import of the same logs into the same folder leaves it as it is.

    Raises:
        InputError: the logs do not belong together, scores are neither 0 nor 1, or the folder holds other results.
    """
    rescore = rescore or bool(kind)
    if task:
        logs = [(name, _renamed(log, task)) for name, log in logs]
    paired = pair(logs, repeats=repeats)
    if not rescore:
        _check_scores(paired, right_from)
    examples = to_examples(paired.problems, kind, own_scores=not rescore)
    settings = _settings(paired, examples, rescore, right_from)
    folder = out or default_folder(settings, "import")
    if (folder / "run.json").is_file():
        return _existing(folder, settings, paired.describe())
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: holds other files; give another --out")
    # A folder appears when it is complete, so that an interrupted import leaves nothing.
    with new_folder(folder) as new:
        store = ResultsFolder.open(new, settings, {"free": False, "imported": _describe(paired, rescore)})
        try:
            reread, differing = _fill(store, paired, examples, rescore, right_from)
            Comparison.from_folder(store).save(store)
            if rescore:
                store.write_file(DISAGREEMENTS, to_table(differing).to_csv())
        finally:
            store.close()
    comparison = Comparison.from_folder(ResultsFolder.read(folder))
    return Import(folder, comparison, paired.describe(), rescore, reread, tuple(differing))


def _fill(
    store: ResultsFolder, paired: Paired, examples: Mapping[str, Example], rescore: bool, right_from: float | None
) -> tuple[int, list[Disagreement]]:
    store.add_examples(list(examples.values()))
    store.register_strategies(paired.strategies)
    reread, differing = 0, []
    for strategy, problem, epoch, solve in paired.solves:
        example = examples[problem]
        result = as_scored(solve, example, strategy, epoch, paired.strategies[strategy], right_from)
        if rescore and not result.failed and solve.replies:
            again = read_again(solve, example, result)
            reread += 1
            if again.correct != result.correct:
                differing.append(Disagreement.of(solve, result, again, example))
            result = again
        store.add(result, _trace(solve, strategy))
    return reread, differing


def _trace(solve: Solve, strategy: str) -> Trace | None:
    """Return the prompt and the replies; a reply has a usage only if the log has all of it."""
    if not solve.messages and not solve.replies:
        return None
    whole = len(solve.replies) == 1 and not {"tokens", "seconds"} & set(solve.unrecorded)
    finish = "length" if solve.truncated else "refusal" if solve.refused else "stop"
    usage = solve.usage if whole else Usage()
    draws = tuple(Completion(text, finish, usage) for text in solve.replies)
    return Trace(strategy, [Call(solve.messages, {}, draws)], usage.seconds or None)


def _check_scores(paired: Paired, right_from: float | None) -> None:
    if right_from is not None:
        return
    scores = [solve for _, _, _, solve in paired.solves if solve.score is not None]
    if partial := [solve for solve in scores if solve.score not in (0.0, 1.0)]:
        raise InputError(
            f"{partial[0].where}: {len(partial):,} of {len(scores):,} scores are neither 0 nor 1, such as "
            f"{partial[0].score:g}; say from which score on an answer is right, as in --right-from 0.5"
        )


def _settings(
    paired: Paired, examples: Mapping[str, Example], rescore: bool, right_from: float | None
) -> dict[str, Any]:
    logs = list(paired.strategies.values())
    models = dict.fromkeys(log.model for log in logs if log.model)
    version = _digest((name, example.problem.question) for name, example in examples.items())
    content = _digest((*one[:3], one[3].score, one[3].answer, one[3].replies) for one in paired.solves)
    least = "" if right_from is None else f", right from {right_from:g}"
    model = next(iter(models), "unknown") if len(models) < 2 else f"{len(models)} models"
    return {
        "task": next((log.task for log in logs if log.task), Path(logs[0].path).stem),
        "task_version": version,
        "seed": None,
        "model": model,
        "base_url": None,
        "parser_version": kinds.PARSER_VERSION,
        "imported": f"{'replies read again' if rescore else 'scores of the tool'}{least}, content {content}",
    }


def _digest(rows: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr(row).encode("utf-8", "replace"))
    return digest.hexdigest()[:12]


def _describe(paired: Paired, rescore: bool) -> dict[str, Any]:
    """Return what a folder keeps about an import."""
    return {
        "rescored": rescore,
        "paired_by": paired.by,
        "strategies": {
            name: {
                "tool": log.tool,
                "file": Path(log.path).name,
                "model": log.model,
                "setup": log.setup,
                "scorer": log.scorer,
                "replies": _draws([solve for one, _, _, solve in paired.solves if one == name]),
                "reads_answers": log.reads_answers,
                "knows_truncation": log.knows_truncation,
                "notes": list(log.notes),
            }
            for name, log in paired.strategies.items()
        },
    }


def _draws(solves: Sequence[Solve]) -> int:
    """Return the number of replies of each solve; 0 if it differs."""
    numbers = {len(solve.replies) for solve in solves if solve.score is not None}
    return numbers.pop() if len(numbers) == 1 else 0


def _existing(folder: Path, settings: Mapping[str, Any], paired: str) -> Import:
    store = ResultsFolder.read(folder)
    if dump_json(dict(store.settings)) != dump_json(dict(settings)):
        raise InputError(f"{folder}: holds other results; give another --out")
    return Import(folder, Comparison.from_folder(store), paired, is_new=False)


def _renamed(log: SolveLog, task: str) -> SolveLog:
    return replace(log, task=task)
