"""One question about each row of a table: asked for many rows at once, with row numbers that the reply must repeat."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from reasoning.branches import gather
from reasoning.messages import Conversation
from reasoning.session import Session
from reasoning.strategies.reply_parsing import drop_truncated_tail, json_objects
from reasoning.tables_sql import Cell
from reasoning.tables_sql.cell_types import infer_column

_LINE = re.compile(
    r"^[ \t|>*_\-•]{0,8}(?:row(?:_id)?[ \t]{0,2})?#?[ \t]{0,2}(\d{1,7})[*_`]{0,3}[ \t]{0,4}"
    r"(?:[|:;,=)\t–—]|\.(?!\d)|->|=>|→|-)(.*)$",
    re.MULTILINE | re.IGNORECASE,
)
"""A line that begins with the number of a row, such as "3 | yes", "row 3: yes" or "| 3 | Oslo | yes |"."""
_NONE = frozenset({"", "n/a", "na", "null", "-", "–", "—", "?"})
"""Answers that say that the row does not tell."""
_TRUTH = frozenset({"yes", "no", "true", "false"})
_MAX_ANSWER_CHARS = 500

ToPrompt = Callable[[Sequence[int]], Conversation]
"""Returns the prompt that asks about the rows with these numbers."""


async def ask_rows(session: Session, prompt: ToPrompt, numbers: Sequence[int], rows_per_call: int) -> dict[int, str]:
    """Ask about rows, `rows_per_call` of them in one call, and once more about those that a reply leaves out.

    The calls for different rows run concurrently.

    Args:
        session: the session to ask with.
        prompt: makes the prompt for some rows.
        numbers: the numbers of the rows; a reply has to repeat them, so that a short or long reply
            never shifts the answers.
        rows_per_call: the maximum number of rows of one call.

    Returns:
        The answers by row number, without the rows that have none even then.
    """
    chunks = [numbers[start : start + rows_per_call] for start in range(0, len(numbers), rows_per_call)]

    async def ask(branch: Session, chunk: Sequence[int]) -> dict[int, str]:
        reply = await branch.ask(prompt(chunk), temperature=0)
        answers = parse_row_answers(drop_truncated_tail(reply), chunk)
        if missing := [number for number in chunk if number not in answers]:
            branch.note(f"no answer for {len(missing)} of {len(chunk)} rows, asked again: {_listed(missing)}")
            reply = await branch.ask(prompt(missing), temperature=0)
            answers.update(parse_row_answers(drop_truncated_tail(reply), missing))
        if missing := [number for number in chunk if number not in answers]:
            branch.note(f"still no answer for rows {_listed(missing)}")
        return answers

    if len(chunks) == 1:
        return await ask(session, chunks[0])
    branches = session.fork([f"rows {chunk[0]} to {chunk[-1]}" for chunk in chunks], [chunk[0] for chunk in chunks])
    found = await gather([ask(branch, chunk) for branch, chunk in zip(branches, chunks, strict=True)])
    return {number: answer for answers in found for number, answer in answers.items()}


def parse_row_answers(reply: str, numbers: Sequence[int]) -> dict[int, str]:
    """Return the answers of a reply by row number; lines with other numbers are ignored.

    A line is a row number, a separator and the answer; of several cells the last is the answer. A
    JSON object from numbers to answers counts as well. Of two answers for a row, the first counts.

    Examples:
        >>> parse_row_answers("Sure!\\n| 1 | Oslo | **yes** |\\n2: no", [1, 2])
        {1: 'yes', 2: 'no'}
    """
    wanted, answers = set(numbers), dict[int, str]()
    for match in _LINE.finditer(reply):
        number = int(match[1])
        answer = match[2].strip().strip("|").rpartition("|")[2]
        if number in wanted and number not in answers:
            answers[number] = _clean(answer)
    if not answers:
        for found in json_objects(reply):
            answers |= {
                int(key): _clean(str(value)) for key, value in _entries(found) if key.isdecimal() and int(key) in wanted
            }
    return answers


def to_cells(answers: Mapping[int, str], numbers: Sequence[int]) -> tuple[Cell, ...]:
    """Return the answers of some rows as cells of one type, in the order of `numbers`: numbers if all are.

    Yes and no are in lower case, as queries compare them. An answer that is missing or says nothing
    is None.
    """
    texts = [answers.get(number, "") for number in numbers]
    cells = [
        None if text.casefold() in _NONE else text.lower() if text.casefold() in _TRUTH else text for text in texts
    ]
    return infer_column(cells)[1]


def _entries(found: Mapping[str, object]) -> list[tuple[str, object]]:
    """Return the pairs of row numbers and answers in an object: its entries, or two values of a row's object."""
    values = list(found.values())
    is_row = len(values) > 1 and any(str(key).casefold() in ("row", "row_id", "id") for key in found)
    return [(str(values[0]), values[-1])] if is_row else [(str(key).removeprefix("row "), found[key]) for key in found]


def _clean(answer: str) -> str:
    return " ".join(answer.strip(" \t*_`").strip("\"“”'").split())[:_MAX_ANSWER_CHARS]


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + ("…" if len(numbers) > 10 else "")
