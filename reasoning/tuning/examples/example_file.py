"""A file of training examples: JSON lines, a header and then one example a line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from reasoning.benchmarks.results.folder_lock import lock_file
from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.data_files import read_jsonl
from reasoning.errors import InputError
from reasoning.files import atomic_write
from reasoning.messages import Message
from reasoning.text_safety import dump_json, escape_turn_marks, replace_surrogates, strip_control

FORMAT = "reasoning-training-1"
ROLES = ("system", "user", "assistant", "tool")
COUNTS = ("kept", "refused", "disagreed", "near_duplicates")
"""The counts of a header that are always there: inputs with an example, and those that were left out by reason."""
MAX_CHARS = 200_000
"""The most characters of one example, messages and reply together: far above the context of a small model."""
MAX_NAME = 1_000
"""The most characters of an id, a group, or a name in the header."""


@dataclass(frozen=True)
class TrainingExample:
    """One conversation, and the reply that a model is trained to give.

    Attributes:
        id: the name of the example, unique in its file.
        messages: the chat turns exactly as they are sent at run time.
        reply: the reply.
        group: examples of one group are never divided between training and held-out examples, such as
            several replies to one input, or near duplicates.
    """

    id: str
    messages: tuple[Message, ...]
    reply: str
    group: str

    def to_json(self) -> dict[str, Any]:
        """Return plain data; `parse_example` reads it back."""
        turns = [{"role": role, "content": content} for role, content in self.messages]
        return {"id": self.id, "messages": turns, "reply": self.reply, "group": self.group}


@dataclass(frozen=True, kw_only=True)
class ExampleHeader:
    """The origin of the examples of a file. Exactly one of `step` and `strategy` is set.

    Attributes:
        step: the name of the chain's step.
        strategy: the spec of the strategy whose answers are taught.
        chain: the name of the chain; "" for a strategy.
        task: the task of a strategy's questions; "" for a step.
        prompt_sha256: the digest of the prompt; see `reasoning.chain.prompt_digest`.
        teacher: the name of the model that replied, or of a strategy on it.
        votes: the number of replies to each input.
        agree: the number of replies that had to agree.
        counts: the number of inputs by outcome; at least `COUNTS`.
    """

    step: str = ""
    strategy: str = ""
    chain: str = ""
    task: str = ""
    prompt_sha256: str
    teacher: str
    votes: int = 1
    agree: int = 1
    counts: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain data; the first line of a file."""
        of = {"step": self.step, "chain": self.chain} if self.step else {"strategy": self.strategy, "task": self.task}
        origin = {"prompt_sha256": self.prompt_sha256, "teacher": self.teacher}
        counts = {name: self.counts.get(name, 0) for name in dict.fromkeys([*COUNTS, *self.counts])}
        return {"format": FORMAT, **of, **origin, "votes": self.votes, "agree": self.agree, "counts": counts}


@dataclass(frozen=True)
class ExampleFile:
    """The content of a file of training examples.

    Attributes:
        header: the origin of the examples.
        examples: the examples, in the order of the file.
    """

    header: ExampleHeader
    examples: tuple[TrainingExample, ...]

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the content, in hexadecimal. It does not depend on how the file writes its JSON."""
        return hashlib.sha256("".join(_lines(self)).encode()).hexdigest()


def read_examples(path: str | Path) -> ExampleFile:
    """Read a file of training examples, plain or compressed with gzip.

    A last line that a kill has left unfinished is ignored.

    Args:
        path: the file.

    Raises:
        InputError: the file is missing or has no header, or a line is no example, too
            long or repeats an id. The message begins with file and line.
    """
    lines = read_jsonl(path, unique=True, may_be_torn=True)
    first, table = next(lines, (1, {}))
    header = _parse_header(table, f"{path}:{first}")
    examples: dict[str, TrainingExample] = {}
    where: dict[str, int] = {}
    for number, table in lines:
        example = parse_example(table, f"{path}:{number}")
        if example.id in examples:
            raise InputError(f"{path}:{number}: the id {example.id!r} is already used in line {where[example.id]}")
        examples[example.id], where[example.id] = example, number
    return ExampleFile(header, tuple(examples.values()))


def to_example_file(examples: ExampleFile | str | Path) -> ExampleFile:
    """Return examples, which are read if a path is given; see `read_examples`."""
    return examples if isinstance(examples, ExampleFile) else read_examples(examples)


def parse_example(table: Mapping[str, Any], where: str) -> TrainingExample:
    """Return the example of a line.

    Args:
        table: the JSON object of the line.
        where: file and line; every error begins with it.

    Raises:
        InputError: it is no example.
    """
    name = _name(table, "id", where)
    turns = table.get("messages")
    if not isinstance(turns, list) or not turns:
        raise InputError(f"{where}: 'messages' must be a list of chat turns, got {turns!r:.60}")
    messages = tuple(_message(turn, f"{where}: turn {number}") for number, turn in enumerate(turns, 1))
    if messages[-1].role == "assistant":
        raise InputError(f"{where}: the last turn must not be the assistant's: its text is 'reply'")
    reply = table.get("reply")
    example = TrainingExample(name, messages, reply, _name(table, "group", where, name))  # type: ignore[arg-type]
    if fault := find_fault(example):
        raise InputError(f"{where}: {fault}")
    return example


def find_fault(example: TrainingExample) -> str:
    """Return the reason why nothing should be trained on an example; "" for a good one."""
    reply = example.reply
    if not isinstance(reply, str) or not reply.strip():
        return f"'reply' must be a text that is not empty, got {reply!r:.60}"
    size = len(reply) + sum(len(turn.content) for turn in example.messages)
    if size > MAX_CHARS:
        return f"an example must have at most {MAX_CHARS:,} characters, got {size:,}"
    texts = [reply, *(turn.content for turn in example.messages)]
    if any("\0" in text for text in texts):
        return "an example must not have a NUL character"
    if any(replace_surrogates(text) != text for text in texts):
        # UTF-8 cannot hold one, so that no tokenizer takes it.
        return "an example must be valid Unicode, got a lone surrogate"
    if escape_turn_marks(reply) != reply:
        # A tokenizer reads such a text as the end of the turn and the begin of another.
        return "'reply' must not have the mark of a chat turn, such as <|im_end|>"
    return ""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let no other process write a file of training examples until the block ends.

    Args:
        path: the file, whose folder is made if it is missing. The lock is a hidden file in it.

    Raises:
        InputError: another process writes it, or the folder cannot be written.
    """
    with lock_file(path.with_name(f".{path.name}.lock")):
        yield


def create_example_file(path: Path, header: ExampleHeader) -> None:
    """Write a file with a header and no examples, in place of an earlier one.

    Raises:
        InputError: the file cannot be written.
    """
    write_examples(path, ExampleFile(header, ()))


def append_example(path: Path, example: TrainingExample) -> None:
    """Add an example to a file that has a header. It survives a kill and a power cut as soon as this returns.

    A last line that a kill has left unfinished is removed.

    Raises:
        InputError: the file cannot be written.
    """
    file = JsonlFile(path, sync=True)
    try:
        file.append(example.to_json())
    finally:
        file.close()


def write_examples(path: Path, content: ExampleFile) -> None:
    """Write a whole file atomically, and the folder that it is in.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be made: {error.strerror}") from None
    atomic_write(path, _lines(content))


def _lines(content: ExampleFile) -> Iterator[str]:
    """Yield the lines of a file with their line ends."""
    for table in (content.header.to_json(), *(example.to_json() for example in content.examples)):
        yield dump_json(table, compact=True) + "\n"


def _parse_header(table: Mapping[str, Any], where: str) -> ExampleHeader:
    if table.get("format") != FORMAT:
        got = table.get("format", "none")
        raise InputError(f"{where}: the first line must be a header with the format {FORMAT!r}, got {got!r:.60}")
    names = {key: _name(table, key, where, "") for key in ("step", "strategy", "chain", "task")}
    if bool(names["step"]) == bool(names["strategy"]):
        raise InputError(f"{where}: the header must have either 'step' or 'strategy'")
    counts = table.get("counts", {})
    if not isinstance(counts, dict) or not all(map(_is_count, counts.values())):
        raise InputError(f"{where}: 'counts' must be whole numbers by name, got {counts!r:.60}")
    for key in ("votes", "agree"):
        if not _is_count(value := table.get(key, 1)) or value < 1:
            raise InputError(f"{where}: {key!r} must be a whole number of at least 1, got {value!r:.60}")
    return ExampleHeader(
        step=names["step"],
        strategy=names["strategy"],
        chain=names["chain"],
        task=names["task"],
        prompt_sha256=_name(table, "prompt_sha256", where),
        teacher=_name(table, "teacher", where),
        votes=table.get("votes", 1),
        agree=table.get("agree", 1),
        counts=counts,
    )


def _name(table: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    """Return a short text of one line without control characters."""
    value = table.get(key, default)
    if isinstance(value, str) and (value or default == ""):
        if len(value) > MAX_NAME or "\n" in value or strip_control(value) != value:
            raise InputError(
                f"{where}: {key!r} must be a line of at most {MAX_NAME} characters without control characters, "
                f"got {value!r:.60}"
            )
        return value
    raise InputError(f"{where}: {key!r} must be a text that is not empty, got {value!r:.60}")


def _message(turn: Any, where: str) -> Message:
    role, content = (turn.get("role"), turn.get("content")) if isinstance(turn, dict) else (None, None)
    if role not in ROLES:
        raise InputError(f"{where}: the role must be one of {', '.join(ROLES)}, got {role!r:.60}")
    if not isinstance(content, str):
        raise InputError(f"{where}: 'content' must be a text, got {content!r:.60}")
    return Message(role, content)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
