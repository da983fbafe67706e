"""The difference between prompts, as a unified diff of their Markdown."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from reasoning.prompt_markdown import to_markdown
from reasoning.prompts import Prompt


def prompt_text(prompt: Prompt | str) -> str:
    """Return the text of a prompt's file: Markdown for a prompt, the text itself for a phrase."""
    return to_markdown(prompt) if isinstance(prompt, Prompt) else f"{prompt}\n"


def prompt_file(name: str, prompt: Prompt | str) -> str:
    """Return the name of a prompt's file. The name of a chain may be any text, and must not lead out of the folder."""
    safe = re.sub(r"[^\w.-]", "_", name)
    return f"{safe}.md" if isinstance(prompt, Prompt) else f"{safe}.txt"


def prompt_diff(before: Mapping[str, Prompt | str], after: Mapping[str, Prompt | str]) -> str:
    """Return the unified diff of changed prompts.

    Args:
        before: the prompts and phrases by name.
        after: those of the same names that have changed.
    """
    parts: list[str] = []
    for name, prompt in after.items():
        file = prompt_file(name, prompt)
        old, new = (prompt_text(one).splitlines() for one in (before[name], prompt))
        parts += difflib.unified_diff(old, new, f"original/{file}", f"tuned/{file}", lineterm="")
    return "".join(f"{line}\n" for line in parts)
