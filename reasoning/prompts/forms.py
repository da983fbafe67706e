"""The forms of a prompt: each turns titled sections into text, and keeps data from closing a section."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal

Form = Literal["plain", "xml", "markdown", "json", "prefixes", "template"]

TITLES = {
    "objective": "Objective",
    "persona": "Persona",
    "instructions": "Instructions",
    "dos": "Do",
    "donts": "Don't",
    "context": "Context",
    "output_format": "Output format",
    "input": "Input",
    "recap": "Recap",
}
"""The title of each section."""

_TITLES = (
    r"objective|persona|instructions|do|don'?t|context|output[ _]format|input|recap|"
    r"example[ _](?:input|thoughts|output)"
)
_HEADING = re.compile(r"^(?=\s{0,3}#)", re.MULTILINE)


@lru_cache(256)
def choose_escape(form: Form, titles: tuple[str, ...] = ()) -> Callable[[str], str]:
    """Return the function by which a form keeps data from closing a section.

    Args:
        form: the form.
        titles: the titles of sections besides those of `TITLES`. The form "template" has no others.
    """
    if form == "xml":
        return _tag_escape("|".join([_TITLES, *(re.escape(tag) for tag, _ in _tagged(dict.fromkeys(titles, " ")))]))
    if form == "template":
        return _tag_escape(rf"{_TITLES}|objective_and_persona|constraints|few_shot_examples")
    if form == "prefixes":
        return _prefix_escape("|".join([_TITLES, *map(re.escape, titles)]))
    if form == "markdown":
        return lambda text: _HEADING.sub(r"\\", text)
    # The quoting of JSON keeps data inside, and plain text has no sections to close.
    return lambda text: text


def group_sections(sections: Mapping[str, str]) -> dict[str, str]:
    """Return sections in the groups of the form "template"."""
    constraints = [f"{title}s:\n{sections[title]}" for title in ("Do", "Don't") if title in sections]
    return {
        "Objective and persona": "\n".join(sections[name] for name in ("Persona", "Objective") if name in sections),
        "Instructions": sections.get("Instructions", ""),
        "Constraints": "\n".join(constraints),
        "Context": sections.get("Context", ""),
        "Output format": sections.get("Output format", ""),
    }


def prefix_lines(**parts: str) -> str:
    """Return parts of a text as lines that begin with their titles, without the empty parts."""
    return "\n".join(f"{title}: {text}" for title, text in parts.items() if text)


def _plain(sections: Mapping[str, str]) -> str:
    return "\n\n".join(text for text in sections.values() if text)


def _xml(sections: Mapping[str, str]) -> str:
    return "\n".join(f"<{tag}>\n{text}\n</{tag}>" for tag, text in _tagged(sections))


def _markdown(sections: Mapping[str, str]) -> str:
    return "\n\n".join(f"# {title}\n{text}" for title, text in sections.items() if text)


def _json(sections: Mapping[str, str]) -> str:
    return json.dumps(dict(_tagged(sections)), ensure_ascii=False, indent=1) if any(sections.values()) else ""


def _prefixes(sections: Mapping[str, str]) -> str:
    return "\n".join(f"{title.upper()}: {text}" for title, text in sections.items() if text)


def _tagged(sections: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(title.lower().replace(" ", "_").replace("'", ""), text) for title, text in sections.items() if text]


def _tag_escape(tags: str) -> Callable[[str], str]:
    """Return a function that escapes the tags of sections in a text. It takes linear time."""
    tag = re.compile(rf"<(?=\s*+/?\s*+(?:{tags})\b)", re.IGNORECASE)
    return lambda text: tag.sub("&lt;", text)


def _prefix_escape(titles: str) -> Callable[[str], str]:
    """Return a function that marks the lines of a text that begin like a prefix, and the blank ones above them.

    A regular expression for the blank lines would take quadratic time.
    """
    title, name = (re.compile(rf"[^\S\n]*+(?:{titles})[^\S\n]*+{end}", re.IGNORECASE) for end in (":", r"\Z"))

    def mark(text: str) -> str:
        lines, below = text.split("\n"), ""
        for index in range(len(lines) - 1, -1, -1):
            line = lines[index]
            if line.isspace() or not line:
                lines[index] = f"| {line}" if below == "title" else line
                continue
            is_title = title.match(line) or (below == ":" and name.match(line))
            below = "title" if is_title else line.lstrip()[:1]
            lines[index] = f"| {line}" if is_title else line
        return "\n".join(lines)

    return mark


FORMS: dict[Form, Callable[[Mapping[str, str]], str]] = {
    "plain": _plain,
    "xml": _xml,
    "markdown": _markdown,
    "json": _json,
    "prefixes": _prefixes,
    "template": _xml,
}
"""The function of each form that turns sections by title into text, without the empty ones."""
