"""Code: a piece of source text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.answer_span import visible_text
from reasoning.kinds.base import BaseKind
from reasoning.kinds.code_blocks import Block, find_code_blocks
from reasoning.kinds.kind import ParseResult, Region, abbreviate

_SAME = [
    {"python", "py", "python3", "py3", "ipython"},
    {"javascript", "js", "jsx", "node"},
    {"typescript", "ts", "tsx"},
    {"c++", "cpp", "cc", "cxx"},
    {"c#", "csharp", "cs"},
    {"bash", "sh", "shell", "zsh", "console"},
    {"go", "golang"},
    {"rust", "rs"},
    {"ruby", "rb"},
    {"yaml", "yml"},
]
# The languages of blocks that show the output of a program.
_OUTPUT = {"text", "txt", "plaintext", "output", "stdout"}
# A line of a program that begins at the margin; no line of prose matches.
_PROGRAM = re.compile(
    r"(?:import [\w.]+(?: as \w+)?(?:, ?[\w.]+)*+|from [\w.]+ import .+|(?:async )?def \w+\(.*|class \w+\W.*|return\b.*"
    r"|(?:if|elif|else|for|while|try|except|finally|with|async|switch|match|do)\b.*[:{]|@\w.*"
    r"|[\w.\[\]'\"]++(?:, ?\w+)*+ ?(?:: ?[\w\[\], .]+)?(?:[-+*/%|&]|//|\*\*|:)?=(?!=).*|[\w.]++\(.*\)"
    r"|#(?:include|!|define).*|(?:SELECT|INSERT|UPDATE|DELETE|CREATE|WITH)\b.*|(?://|/\*).*|[{})\]]++[;,]?|.*[;{])"
)
_DEFINITION = re.compile(r"^[ \t]*+(?:async )?(?:def|class|function|fn|func) (\w+)", re.MULTILINE)
_CALL = re.compile(r"\b(\w++)\(")
_MAX_BLOCKS = 50
"""The last blocks that are compared."""
_COMMENT = re.compile(r"#\s|--\s|\"\"\"|\'\'\'")


@dataclass(frozen=True)
class Code(BaseKind):
    r"""Source code. Its value is the source text.

    The parser accepts the last fenced block of the language, but not one that only calls what an
    earlier block defines, else the last block without a language, else the last of all blocks.
    Without fences, it accepts a reply that contains only code. A reply that was cut off is parsed
    up to its last complete block. The code is neither compiled nor run. Two sources are the same
    answer if they differ only in spaces at line ends and in blank lines around them.

    Attributes:
        language: the word after the fence, such as "python"; its common other names are accepted
            as well.

    Raises:
        UsageError: the language is not one word.

    Examples:
        >>> Code().parse("Here it is: print(6 * 7)") is None
        True
        >>> Code().parse("```python\nprint(6 * 7)\n```")
        'print(6 * 7)\n'
    """

    name: ClassVar[str] = "code"
    language: str = "python"

    def __post_init__(self) -> None:
        if not isinstance(self.language, str) or not re.fullmatch(r"[\w+#.-]{1,30}", self.language):
            raise UsageError(f"Code(language={self.language!r}): the language must be one word, such as 'python'")

    def instruction(self) -> str:
        return f"End with the whole code in one block: ```{self.language} … ```"

    def direct_instruction(self) -> str:
        return f"Reply with the code alone, in one block: ```{self.language} … ```"

    def trigger(self) -> str:
        return "Therefore, the code is"

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Parse the code; see `Kind.parse_reply`."""
        text = visible_text(text, region).replace("\r\n", "\n").replace("\r", "\n")
        blocks, before = find_code_blocks(text)
        for rule, block in self._by_preference(
            [block for block in blocks if block.content.strip() and block.language not in _OUTPUT]
        ):
            if block.closed or not stated_only:
                return ParseResult(_trimmed(block.text), rule if block.closed else f"{rule}, not closed")
        bare = text if before is None else before
        if (
            not blocks
            and not (stated_only and before is None)
            and (before is not None or _is_code(bare))
            and bare.strip()
        ):
            return ParseResult(_trimmed(bare), "plain code" if before is None else "block, opened by the prompt")
        return ParseResult(None, "nothing found")

    def target(self, target: Any) -> str:
        """Return the source of a target: the text itself, or the content of the one fence around it."""
        if not isinstance(target, str) or not target.strip():
            raise UsageError(f"the target {abbreviate(target)} is not code")
        blocks, _ = find_code_blocks(target.strip())
        fenced = len(blocks) == 1 and blocks[0].closed and target.strip().endswith(("```", "~~~"))
        return _trimmed(blocks[0].text if fenced and target.lstrip().startswith(("```", "~~~")) else target)

    def score(self, value: Any, target: Any) -> bool:
        """Return whether a value is the target, with or without its fence."""
        source = self.target(target)
        return self.is_value(value) and (self.same(value, target) or self.same(value, source))

    def is_value(self, value: Any) -> bool:
        return isinstance(value, str)

    def key(self, value: Any) -> str:
        return "\n".join(line.rstrip() for line in _trimmed(str(value)).split("\n"))

    def show(self, value: Any) -> str:
        longest = max(map(len, re.findall("`{3,}+", str(value))), default=2)
        fence = "`" * (longest + 1)
        return f"{fence}{self.language}\n{str(value).rstrip()}\n{fence}"

    def _by_preference(self, blocks: list[Block]) -> Iterator[tuple[str, Block]]:
        """Yield the blocks, the best first, each with the name of its rule."""
        names = next((names for names in _SAME if self.language.lower() in names), {self.language.lower()})
        own = [block for block in blocks if block.language in names]
        yield from (("block of the language", block) for block in _without_examples_of_use(own))
        bare = (block for block in reversed(blocks) if not block.language)
        yield from (("block", block) for block in bare if block.closed or _is_code(block.text))
        yield from (("block of another language", block) for block in reversed(blocks) if block.language)


def _without_examples_of_use(blocks: list[Block]) -> list[Block]:
    """Return the blocks, the last one first, and those that only call what a block before them defines at the end."""
    defined: set[str] = set()
    programs: list[Block] = []
    examples: list[Block] = []
    for block in blocks[-_MAX_BLOCKS:]:
        own = set(_DEFINITION.findall(block.content))
        is_example = not own and any(name in defined for name in _CALL.findall(block.content))
        (examples if is_example else programs).append(block)
        defined |= own
    return [*reversed(programs), *reversed(examples)]


def _trimmed(text: str) -> str:
    """Return the text without blank lines around it, ending with one line break."""
    lines = text.split("\n")
    filled = [index for index, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[filled[0] : filled[-1] + 1]).rstrip() + "\n" if filled else ""


def _is_code(text: str) -> bool:
    """Return whether a text without fences contains only code: every line at the margin looks like code."""
    lines = [line for line in text.split("\n") if line.strip() and line[0] not in " \t"]
    return bool(lines) and all(
        _PROGRAM.fullmatch(line.rstrip()) or (_COMMENT.match(line) and len(lines) > 1) for line in lines
    )
