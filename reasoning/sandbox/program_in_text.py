"""Programs within reasoning: where one stands, and whether the text states its output without a run."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from reasoning.kinds.code_blocks import Block, find_code_blocks
from reasoning.sandbox.code_extraction import extract_code, parse

OUTPUT_FENCE = "```output"
"""The fence with which models begin the output that they make up: a stop sequence."""
_PYTHON = ("python", "py", "python3", "py3", "tool_code")
_OUTPUT = ("output", "out", "stdout", "console", "result", "text", "txt", "plaintext", "tool_output")
_MAX_CHARS = 100_000
_IT = r"(?:the|this|that) (?:above )?(?:code|program|script)"
# "Output:", "Expected output of the code:"
_LABEL = rf"(?:the |expected |program |code )?output(?: of {_IT})?[*_]{{0,3}}:[*_]{{0,3}}\s{{0,5}}\S"
# "The output is 42", "This program prints 42", "Running the code gives 42", "When we run it, we get 42"
_SENTENCE = (
    rf"(?:(?:the |expected )?output(?: of {_IT})? (?:is|will be|would be)"
    rf"|{_IT} (?:will )?(?:print|output|give|return)s?|(?:running|executing) {_IT}"
    rf"|(?:when|if) (?:we|you|I) (?:run|execute) (?:it|this|{_IT}))\b[^\n]{{0,80}}?[\d\"'`]"
)
_CLAIM = re.compile(rf"(?:^|[.:]\s)[\s*_#>]{{0,8}}(?:{_LABEL}|{_SENTENCE})", re.IGNORECASE | re.MULTILINE)
_COMMENT = re.compile(r"#\s{0,3}(?:(?:output|prints)(?: (?:is|should be|will be))?:?|[-=]>)\s{0,3}[\d\"'(\[-]", re.I)


class ProgramInText(NamedTuple):
    """A program in a text.

    Attributes:
        source: the program.
        end: the position after its block.
    """

    source: str
    end: int


def find_program(text: str) -> ProgramInText | None:
    """Return the first complete block of Python in a text, or None."""
    for block in find_code_blocks(text)[0]:
        if _is_python(block) and block.closed and (source := extract_code(f"```python\n{block.content}\n```")):
            return ProgramInText(source, block.end)
    return None


def claims_output(text: str) -> bool:
    """Return whether a text states the output of a program in it: in a block, in words, or in a comment.

    A model that cannot run programs has made this output up.

    Examples:
        >>> claims_output("```python\\nprint(6 * 7)\\n```\\n```output\\n42\\n```")
        True
        >>> claims_output("```python\\nprint(6 * 7)\\n```\\nRun it to see the result.")
        False
    """
    blocks = find_code_blocks(text[:_MAX_CHARS])[0]
    first = next((index for index, block in enumerate(blocks) if _is_python(block)), None)
    if first is None:
        return False
    if any(_is_output(block) for block in blocks[first + 1 :]):
        return True
    prose = _prose_after(text[:_MAX_CHARS], blocks[first:])
    return bool(_CLAIM.search(prose)) or any(_COMMENT.search(block.content) for block in blocks if _is_python(block))


def _is_python(block: Block) -> bool:
    return block.language in _PYTHON and parse(block.text) is not None and bool(block.content.strip())


def _is_output(block: Block) -> bool:
    if not block.content.strip():
        return False
    return block.language in _OUTPUT or (not block.language and block.closed and extract_code(block.text) is None)


def _prose_after(text: str, blocks: list[Block]) -> str:
    """Return the text after a program, without the other blocks."""
    parts = [text[block.end : later.end - later.size] for block, later in pairwise(blocks)]
    return "\n".join([*parts, text[blocks[-1].end :]])
