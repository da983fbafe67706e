"""Data sets of reasoning-gym that are not offered, each with the reason.

It stands apart from the tasks, so that shell completion need not import them: they take a tenth of a second.
"""

from __future__ import annotations

from importlib.util import find_spec

_SEVERAL_LINES: tuple[str, ...] = (
    "arc_agi",
    "binary_matrix",
    "futoshiki",
    "kakurasu",
    "manipulate_matrix",
    "mini_sudoku",
    "modulo_grid",
)
_SEVERAL_LINES += ("n_queens", "pool_matrix", "rearc", "rotate_matrix", "sudoku", "survo", "tower_of_hanoi")
_EVALUATED = ("intermediate_integration", "polynomial_multiplication", "simple_integration")
_REFUSED = {
    "codeio": "it runs unvetted programs to generate its problems",
    "composite": "it only mixes other sets; name one of them",
    **dict.fromkeys(_SEVERAL_LINES, "no kind of answer has several lines yet"),
    **dict.fromkeys(_EVALUATED, "its answers are scored by evaluating what the model wrote"),
}


def not_offered() -> dict[str, str]:
    """Return the data sets that are not offered, each with the reason."""
    if find_spec("pycosat"):
        return _REFUSED
    return {**_REFUSED, "zebra_puzzles": "it needs a solver that a C compiler builds: pip install pycosat"}
