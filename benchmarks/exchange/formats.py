"""The forms of files that are read, and their recognition by content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from reasoning.benchmarks.exchange.readers import inspect_log, lm_eval, promptfoo, rows
from reasoning.benchmarks.exchange.solves import Reader, SolveLog
from reasoning.errors import InputError, UnknownName

READERS: Mapping[str, Reader] = {
    "inspect": inspect_log.read,
    "lm-eval": lm_eval.read,
    "promptfoo": promptfoo.read,
    "dspy": rows.read_dspy,
}
"""The tools whose files are read, by name."""
_HEAD = 1 << 16
_DSPY = re.compile(r'"pred_\w+"\s*:')
_PROMPTFOO = re.compile(r'"(?:evalId|promptIdx|promptfooVersion)"\s*:')
_INSPECT = re.compile(r'"(?:eval_id|run_id|task_id)"\s*:')
_LM_EVAL = re.compile(r'"(?:doc_id|resps|filtered_resps)"\s*:')


def read_log(path: str, *, tool: str = "", score: str = "", mapping: Mapping[str, str] | None = None) -> SolveLog:
    """Read a log of another tool.

    Args:
        path: the file.
        tool: the tool, one of `READERS`; by default the one that the content tells.
        score: the score to read, if there are several.
        mapping: the columns of a table; with it, the file is a table of rows.

    Raises:
        InputError: the file is missing, is of no known form, or is damaged.
        UnknownName: there is no such tool.
    """
    if tool and tool not in READERS:
        raise UnknownName("tool", tool, READERS, "of --from")
    if not Path(path).is_file():
        what = "a folder, not a file" if Path(path).is_dir() else "no such file"
        raise InputError(f"{path}: {what}; give the logs themselves")
    try:
        if mapping is not None:
            return rows.read_table(path, {"score": score, **mapping} if score else mapping)
        return READERS[tool or _detect(path)](path, score)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def _detect(path: str) -> str:
    """Return the name of the tool that wrote a file, by its beginning."""
    with Path(path).open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"PK"):
        return "inspect"
    text = head.decode("utf-8", "replace")
    if path.lower().endswith(".csv"):
        names = [name.strip('" ') for name in text.partition("\n")[0].rstrip().split(",")]
        if any(name.startswith("pred_") for name in names):
            return "dspy"
    for tool, pattern in (("lm-eval", _LM_EVAL), ("promptfoo", _PROMPTFOO), ("inspect", _INSPECT), ("dspy", _DSPY)):
        if pattern.search(text):
            return tool
    raise InputError(
        f"{path}: the form is not recognised; for a table of rows, name its columns: "
        "--map 'question=COLUMN, answer=COLUMN, score=COLUMN'; or say which tool wrote it: "
        f"--from {'|'.join(READERS)}"
    )
