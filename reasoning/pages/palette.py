"""The colours of pages, as CSS variables.

Text has a contrast of at least 4.5 to its background in both schemes. The series colours can be
distinguished with colour vision deficiencies.

Source: Okabe and Ito (2008), "Color Universal Design".
"""

from __future__ import annotations

from collections.abc import Mapping


def _named(names: str) -> dict[str, str]:
    words = names.replace(",", " ").split()
    return dict(zip(words[::2], words[1::2], strict=True))


def _variables(colours: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())


ON_WHITE = _named(
    "paper #ffffff, soft #f3f5f7, ink #16191d, dim #565f6b, line #d9dee3, edge #8a939e,"
    "link #0b5cad, right #00694b, wrong #b02a1a, warn #8a5a00,"
    "s1 #0072b2, s2 #c44e00, s3 #00805c, s4 #b0508a, s5 #8a6d00, s6 #2f7fb5, s7 #565f6b, s8 #a04000"
)
"""The colours on a white background by name, for figures outside the page."""

LIGHT = _variables(ON_WHITE)
DARK = _variables(
    _named(
        "paper #14171a, soft #1f2428, ink #e8eaed, dim #a4adb8, line #343b42, edge #76808c,"
        "link #7cb8f5, right #4fd0a5, wrong #ff8f7d, warn #edb64c,"
        "s1 #56b4e9, s2 #ff9147, s3 #2fc79a, s4 #e39ac6, s5 #e6d24a, s6 #8fcdf0, s7 #a4adb8, s8 #e0a070"
    )
)
