"""Bad inputs: a command with its files, and what the message must name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, init=False)
class Bad:
    """One bad input.

    Attributes:
        command: the words after `reasoning`, as typed in a shell.
        names: texts that the message contains: the culprit, its place, the nearest right thing.
        files: files of the working folder besides `FILES`, by path.
        code: the exit code.
        leaves: paths that the command may create or change.
    """

    command: str
    names: tuple[str, ...]
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    code: int = 2
    leaves: tuple[str, ...] = ()

    def __init__(
        self,
        command: str,
        *names: str,
        files: Mapping[str, str | bytes] | None = None,
        code: int = 2,
        leaves: tuple[str, ...] = (),
    ) -> None:
        for name, value in (
            ("command", command),
            ("names", names),
            ("files", files or {}),
            ("code", code),
            ("leaves", leaves),
        ):
            object.__setattr__(self, name, value)


CHAIN = """name = "c"
[inputs]
text = "text"
[[step]]
name = "one"
prompt = "one.md"
"""
FILES: Mapping[str, str | bytes] = {
    "mine.jsonl": '{"question": "1+1?", "answer": 2}\n{"question": "2+2?", "answer": 4}\n',
    "r.jsonl": '{"question": "1+1?", "samples": ["The answer is 2."]}\n',
    "notes.txt": "hello\n",
    "empty.txt": "",
    "photo.png": b"\x89PNG\r\n\xff\xfe",
    "folder/x.txt": "x",
    "c/chain.toml": CHAIN,
    "c/one.md": "# Input\n{text}\n",
    "c/tests/a.toml": '[[case]]\ninput = "hello"\nexpected = "a"\n',
}
"""The files of every working folder."""


def chain(addition: str = "", *, toml: str = CHAIN, prompt: str = "", cases: str = "", **files: str) -> dict[str, str]:
    """Return the files of the chain `c`: with further lines in its step, or with another file in place of one."""
    changed = {"c/chain.toml": f"{toml}{addition}\n"}
    changed |= {"c/one.md": prompt} if prompt else {}
    changed |= {"c/tests/a.toml": cases} if cases else {}
    return changed | files
