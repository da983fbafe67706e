"""Search task for 5 × 5 crosswords (Yao et al. 2023): a thought is a word for one of ten clues."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from reasoning.errors import UsageError
from reasoning.kinds import Items
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.strategies.search.search_task import SearchTask, parse_label

Grid = tuple[str, ...]

SIZE = 5
EMPTY = "_"
CONFIDENCE_WEIGHTS = {"certain": 1.0, "high": 0.5, "medium": 0.2, "low": 0.1}

PROPOSE = Prompt(
    objective="Solve a crossword of 5 rows and 5 columns. h1 to h5 are the words across, v1 to v5 the words down.",
    instructions="Give words of five letters for clues that are not filled in yet. They must fit the letters that are "
    "there. Say of each how sure you are: certain, high, medium or low.",
    output_format="One word a line, as: h2. EMBER (high)",
    input="The grid ({empty} is an empty cell):\n{grid}\n\nNot filled in yet:\n{open}\n\nFilled in:\n{filled}",
    recap="Your words, the surest first:",
)
CHECK = Prompt(
    objective="Judge whether a word of five letters can be the answer to a clue and fit the letters that are known.",
    output_format="A word or two that might fit, then on the last line one word: sure, maybe or impossible.",
    examples=(
        Demonstration("What glows when a fire dies: E _ B _ R", "EMBER has an E, a B and an R there.\nsure"),
        Demonstration("Slow animal with a shell: S N _ _ _", "SNAIL begins like this.\nsure"),
        Demonstration(
            "A colour of grass: Q _ X _ _", "GREEN does not fit, and no colour has Q and X there.\nimpossible"
        ),
        Demonstration("Kind of rock: _ L _ _ E", "SLATE has these letters, but others may fit too.\nmaybe"),
    ),
    input="{clue}: {letters}",
)

_CLUE = re.compile(r"^\s{0,8}([hv][1-5])[.):]\s*(\S.{0,200})$", re.M)
# "h2. EMBER (high)", "**h2:** EMBER – high", "| h2 | EMBER | high |"
_WORD = re.compile(
    r"\b([hv][1-5])\*{0,2}\s?[.):|–-][^\w\n]{0,8}([a-z]{5})\b(?:[^\w\n]{1,8}(certain|high|medium|low)\b)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, repr=False)
class Crosswords(SearchTask[Grid]):
    """Fill a grid of five words across and five down; the question lists the clues, one per line: `h1. …` to `v5. …`.

    The value of a grid is 0 if a clue with at least two known letters is judged impossible, so that
    it is pruned; else it is 1 plus the number of clues judged sure. A word that contradicts a
    filled cell is dropped. The answer is the five rows; empty cells are `?`.
    """

    name: ClassVar[str] = "crosswords"
    words: Prompt = PROPOSE
    check: Prompt = CHECK

    def fits(self, problem: Problem) -> bool:
        return isinstance(problem.kind, Items) and len(_clues(problem)) == 2 * SIZE

    def start(self, problem: Problem) -> Grid:
        if len(_clues(problem)) != 2 * SIZE:
            count = len(_clues(problem))
            raise UsageError(
                f"a crossword must have ten clues, one per line, from 'h1. …' to 'v5. …'; the question has {count}"
            )
        return (EMPTY * SIZE,) * SIZE

    def propose(self, problem: Problem, state: Grid) -> Conversation:
        lines: dict[bool, list[str]] = {True: [], False: []}
        for slot, clue in _clues(problem).items():
            word = _at(state, slot)
            lines[EMPTY in word].append(f"{slot}. {clue}: {' '.join(word)}")
        open_, filled = ("\n".join(lines[is_open]) or "(none)" for is_open in (True, False))
        return self.words.render(problem, grid="\n".join(state), open=open_, filled=filled, empty=EMPTY)

    def parse_proposals(self, problem: Problem, state: Grid, replies: Sequence[str]) -> list[Grid]:
        """Return the grid with each proposed word, ranked by the confidence summed over the replies."""
        scores: dict[tuple[str, str], float] = {}
        for reply in replies:
            for slot, word, confidence in _WORD.findall(reply):
                move = slot.lower(), word.upper()
                scores[move] = scores.get(move, 0.0) + CONFIDENCE_WEIGHTS.get(
                    confidence.lower(), CONFIDENCE_WEIGHTS["low"]
                )
        ordered = sorted(scores, key=lambda move: -scores[move])
        grids = (_with(state, *move) for move in ordered if _agrees(_at(state, move[0]), move[1]))
        return [grid for grid in grids if grid != state]

    def judge(self, problem: Problem, state: Grid) -> Sequence[Conversation]:
        """Return a prompt for each clue with at least two known letters."""
        words = [(clue, _at(state, slot)) for slot, clue in _clues(problem).items()]
        known = [(clue, word) for clue, word in words if SIZE - word.count(EMPTY) > 1]
        return [self.check.render(problem, clue=clue, letters=" ".join(word)) for clue, word in known]

    def value(self, replies: Sequence[str]) -> float:
        verdicts = [parse_label(reply, ("sure", "maybe", "impossible")) for reply in replies]
        return 0.0 if "impossible" in verdicts else 1.0 + verdicts.count("sure")

    def is_finished(self, problem: Problem, state: Grid) -> bool:
        return not any(EMPTY in row for row in state)

    def show(self, problem: Problem, state: Grid) -> str:
        return f"The answer is {'; '.join(state).replace(EMPTY, '?')}"


def _clues(problem: Problem) -> Mapping[str, str]:
    return {slot: clue.strip() for slot, clue in _CLUE.findall(problem.question)}


def _at(grid: Grid, slot: str) -> str:
    """Return the letters of a word across or down."""
    number = int(slot[1]) - 1
    return grid[number] if slot[0] == "h" else "".join(row[number] for row in grid)


def _with(grid: Grid, slot: str, word: str) -> Grid:
    """Return the grid with a word filled in."""
    number = int(slot[1]) - 1
    if slot[0] == "h":
        return (*grid[:number], word, *grid[number + 1 :])
    return tuple(row[:number] + letter + row[number + 1 :] for row, letter in zip(grid, word, strict=True))


def _agrees(letters: str, word: str) -> bool:
    return all(known in (EMPTY, letter) for known, letter in zip(letters, word, strict=True))
