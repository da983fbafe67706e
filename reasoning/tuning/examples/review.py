"""The review of labels by a person, in any terminal: each is accepted, corrected or dropped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from reasoning.benchmarks.annotate.dialogue import Ask
from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.errors import InputError
from reasoning.messages import Message
from reasoning.text_safety import strip_control
from reasoning.tuning.examples.example_file import TrainingExample, find_fault

_DECISIONS = ("accepted", "corrected", "dropped")
_MAX_SHOWN = 8_000
"""The most characters of an input that are shown: a few screens."""
_HELP = """\
An empty line accepts the label; another label in one line replaces it.
:edit  change the label in your editor      :drop  leave the input out
:back  go to the label before               :show  show the label again
:quit  leave; the same command continues    :help  show this"""


@dataclass(frozen=True)
class Decision:
    """The decision of a person on a label.

    Attributes:
        id: the id of the example.
        messages_sha256: the digest of its messages; with other messages the decision does not count.
        decision: "accepted", "corrected" or "dropped".
        reply: the label from then on; "" for a dropped one.
    """

    id: str
    messages_sha256: str
    decision: str
    reply: str = ""

    @classmethod
    def of(cls, example: TrainingExample, decision: str, reply: str = "") -> Decision:
        """Return a decision on an example."""
        return cls(example.id, digest_messages(example.messages), decision, reply)


def digest_messages(messages: Sequence[Message]) -> str:
    """Return the SHA-256 of chat turns, in hexadecimal."""
    return hashlib.sha256(json.dumps(list(messages)).encode()).hexdigest()


class ReviewFile:
    """The decisions of a person, one a line; a later one replaces an earlier one.

    Args:
        labels: the file of the labels. The decisions are in `STEP.review.jsonl` in the same folder.

    Raises:
        InputError: a line is no decision.
    """

    def __init__(self, labels: Path) -> None:
        self.path = labels.with_name(f"{labels.stem}.review.jsonl")
        self._file = JsonlFile(self.path, sync=True)
        self._decisions: dict[str, Decision] = {}
        for number, table in enumerate(self._file.read(), 1):
            if table.keys() != asdict(Decision("", "", "")).keys() or table["decision"] not in _DECISIONS:
                raise InputError(f"{self.path}:{number}: must be a decision on a label; found: {', '.join(table):.200}")
            if not all(isinstance(value, str) for value in table.values()):
                raise InputError(f"{self.path}:{number}: the values of a decision must be texts")
            self._decisions[table["id"]] = Decision(**table)

    def find(self, name: str, messages: Sequence[Message]) -> Decision | None:
        """Return the decision on the example with this id, if there is one on these messages."""
        found = self._decisions.get(name)
        return found if found is not None and found.messages_sha256 == digest_messages(messages) else None

    def is_dropped(self, name: str, messages: Sequence[Message]) -> bool:
        """Return whether the person dropped the example with this id and these messages."""
        found = self.find(name, messages)
        return found is not None and found.decision == "dropped"

    def add(self, decision: Decision) -> None:
        """Store a decision; it is on the disk as soon as this returns."""
        self._file.append(asdict(decision))
        self._file.close()
        self._decisions[decision.id] = decision

    def apply(self, example: TrainingExample) -> TrainingExample | None:
        """Return an example as the person decided; None if it is dropped."""
        found = self.find(example.id, example.messages)
        if found is None:
            return example
        return None if found.decision == "dropped" else replace(example, reply=found.reply)


class ReviewDialogue:
    """A dialogue over labels. Every decision is stored at once.

    Args:
        file: the decisions.
        examples: the labels to review; those that have a decision are passed over.
        find_error: returns the reason why a reply is no label of an example, such as the message of the
            step's check; "" if it is one.
        ask: reads a line from the person.
        say: shows a text to the person.
        edit: lets the person edit a text in an editor.
    """

    def __init__(
        self,
        file: ReviewFile,
        examples: Sequence[TrainingExample],
        find_error: Callable[[TrainingExample, str], str],
        ask: Ask,
        say: Callable[[str], None],
        edit: Callable[[str], str],
    ) -> None:
        self._file, self._examples, self._find_error = file, list(examples), find_error
        self._ask, self._say, self._edit = ask, say, edit

    def run(self) -> bool:
        """Ask about each label. Return whether all have a decision; False if the person left before."""
        waiting = [index for index, one in enumerate(self._examples) if self._file.find(one.id, one.messages) is None]
        if not waiting:
            self._say("every label has been reviewed")
            return True
        self._say(_HELP)
        visited: list[int] = []
        position = 0
        while position < len(waiting):
            index = waiting[position]
            command = self._review(self._examples[index], f"{position + 1} of {len(waiting)}")
            if command == ":quit":
                return False
            if command == ":back":
                if not visited:
                    self._say("this is the first label")
                else:
                    position = visited.pop()
                continue
            visited.append(position)
            position += 1
        return True

    def _review(self, example: TrainingExample, place: str) -> str:
        """Ask for the decision on a label. Return the command that left it; "" after a decision."""
        current = self._file.apply(example) or example
        self._say(_describe(current, place))
        while True:
            line = self._ask("label: ")
            text = ":quit" if line is None else line.strip()
            if text in (":quit", ":back"):
                return text
            if text == ":drop":
                self._file.add(Decision.of(example, "dropped"))
                return ""
            if text in (":help", ":show"):
                self._say(_HELP if text == ":help" else _describe(current, place))
                continue
            reply = self._edit(current.reply).strip() if text == ":edit" else text or current.reply
            if text.startswith(":") and text != ":edit":
                self._say(f"no such command: {text}; :help lists them")
            elif error := find_fault(replace(example, reply=reply)) or self._find_error(example, reply):
                self._say(f"not stored: {error}")
            else:
                self._file.add(Decision.of(example, "accepted" if reply == example.reply else "corrected", reply))
                return ""


def _describe(example: TrainingExample, place: str) -> str:
    """Return the last turn and the label of an example, without control characters."""
    shown = example.messages[-1].content
    if (more := len(shown) - _MAX_SHOWN) > 0:
        shown = f"{shown[:_MAX_SHOWN]}… ({more:,} more characters)"
    return strip_control(f"\n{place} · {example.id}\n\n{shown}\n\nLabel: {example.reply}")
