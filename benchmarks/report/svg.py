"""Matplotlib figures as inline SVG whose colours follow the page, without style attributes."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, DIM, LINE, PAPER = "#010101", "#020202", "#030303", "#040404"
SERIES = tuple(f"#0505{number:02x}" for number in range(1, 9))
"""Placeholders for the colours of the page: text, dim text, lines, background and series."""

_VARIABLES: Mapping[str, str] = {
    INK: "var(--ink)",
    DIM: "var(--dim)",
    LINE: "var(--line)",
    PAPER: "var(--paper)",
    **{colour: f"var(--s{number})" for number, colour in enumerate(SERIES, 1)},
}
_DROPPED = {"metadata", "style"}
_POINTS = re.compile(r"-?\d+\.\d{2,}")


def svg(figure: Figure, name: str, label: str) -> str:
    """Return a figure as an element for a page.

    Args:
        figure: the figure. Its texts must not be parsed as mathematics.
        name: a prefix that makes the figure's ids unique in the page.
        label: a description for screen readers.
    """
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    root = ElementTree.fromstring(file.getvalue())
    used = set(re.findall(r"(?:#)([\w-]+)", " ".join(_references(root))))
    box = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib.update({"viewBox": box, "role": "img", "aria-label": label})
    _clean(root, used, name)
    return ElementTree.tostring(root, encoding="unicode")


def _references(root: ElementTree.Element) -> list[str]:
    return [value for node in root.iter() for name, value in node.attrib.items() if "#" in value and name != "id"]


def _clean(element: ElementTree.Element, used: set[str], name: str) -> None:
    element.tag = element.tag.rpartition("}")[2]
    attributes: dict[str, str] = {}
    for key, value in element.attrib.items():
        key = key.rpartition("}")[2]
        if key == "style":
            attributes.update(_presentation(value))
        elif key == "id":
            if value in used:
                attributes["id"] = f"{name}-{value}"
        elif key in ("href", "clip-path"):
            attributes[key] = value.replace("#", f"#{name}-")
        elif key in ("d", "x", "y", "transform", "points"):
            attributes[key] = _POINTS.sub(lambda match: f"{float(match[0]):.1f}", " ".join(value.split()))
        elif key != "type":
            attributes[key] = value
    element.attrib.clear()
    element.attrib.update(attributes)
    element.tail = None
    if element.text is not None and not element.text.strip():
        element.text = None
    for child in list(element):
        if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in _DROPPED:
            element.remove(child)
        else:
            _clean(child, used, name)


def _presentation(style: str) -> dict[str, str]:
    """Convert a style attribute to presentation attributes, because the page's policy forbids styles."""
    attributes = {}
    for part in style.split(";"):
        key, _, value = (side.strip() for side in part.partition(":"))
        if key == "font":
            attributes["font-size"] = re.search(r"[\d.]+px", value)[0] if "px" in value else "12px"  # type: ignore[index]
            if "bold" in value or "700" in value:
                attributes["font-weight"] = "bold"
        elif key and not key.startswith("font-family"):
            attributes[key] = _VARIABLES.get(value.lower(), value)
    return attributes
