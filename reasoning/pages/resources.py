"""The files of this package as texts, and the headers that restrict what a page may load."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from reasoning.pages.palette import DARK, LIGHT

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""The headers of a page that loads nothing from other sites and runs no script but those of its own server."""
_PARTS = "el, put, block, makeSortable, mark, steps, part, reply, pictures, bars, cost, addAnswers"


def style() -> str:
    """Return the style of all pages, with the colours of both schemes."""
    return colours() + read_resource("page.css")


def colours() -> str:
    """Return the colours of both schemes as CSS variables. On paper they are always the light ones."""
    return (
        f":root{{color-scheme:light;{LIGHT}}}@media(prefers-color-scheme:dark){{:root[data-theme=auto]"
        f"{{color-scheme:dark;{DARK}}}}}:root[data-theme=dark]{{color-scheme:dark;{DARK}}}"
        f"@media print{{:root:root:root{{color-scheme:light;{LIGHT}}}}}\n"
    )


def modules() -> Mapping[str, str]:
    """Return the scripts as modules, by the name by which other modules import them."""
    return {
        "parts.js": f"{read_resource('parts.js')}\nexport {{ {_PARTS} }};\n",
        "forms.js": read_resource("forms.js"),
    }


def read_resource(name: str) -> str:
    """Return the text of a file of this package, such as "page.css"."""
    return (files("reasoning.pages") / name).read_text(encoding="utf-8")
