"""Write the golden figures and the page's tables, and print the changes: `python -m tests.replay.make`.

`--check` only prints, and exits with 1 if anything differs.
"""

from __future__ import annotations

import difflib
import json
import sys

from tests.replay.lines import FOLDER
from tests.replay.page import PAGE, tables
from tests.replay.recordings import RECORDINGS
from tests.replay.summary import GOLDEN, golden, summary, text

MARKS = "<!-- figures: begin -->\n", "<!-- figures: end -->"


def main(check: bool) -> int:
    if not FOLDER.exists():
        sys.exit(f"no recordings found in {FOLDER}")
    found = {recording.name: summary(recording) for recording in RECORDINGS}
    files = {GOLDEN / f"{name}.json": text(figures) for name, figures in found.items()}
    files[PAGE] = replaced(PAGE.read_text(encoding="utf-8"), tables(found))
    changed = {path: new for path, new in files.items() if not path.exists() or path.read_text(encoding="utf-8") != new}
    for path, new in changed.items():
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        sys.stdout.writelines(
            difflib.unified_diff(old.splitlines(True), new.splitlines(True), path.name, path.name, n=1)
        )
        if not check:
            path.write_text(new, encoding="utf-8")
    return int(check and bool(changed))


def replaced(page: str, figures: str) -> str:
    """Return the page with other figures between its marks."""
    before, begin, rest = page.partition(MARKS[0])
    return before + begin + figures + MARKS[1] + rest.partition(MARKS[1])[2]


def stored() -> str:
    """Return the tables of the golden files."""
    return tables({recording.name: json.loads(golden(recording.name)) for recording in RECORDINGS})


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
