"""Replay the first hour of four users in an empty folder and an empty home, and compare what they see.

PYTHONPATH=scripts .venv/bin/python -m first_hour             # compare all transcripts; exit code 1 if one differs
PYTHONPATH=scripts .venv/bin/python -m first_hour hostile     # compare one
PYTHONPATH=scripts .venv/bin/python -m first_hour --update    # write them
PYTHONPATH=scripts .venv/bin/python -m first_hour --fresh-clone    # compare in a clone of the last commit
"""

from __future__ import annotations

import argparse
import difflib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from first_hour.transcript import FOLDER, ROOT, replay


def main() -> int:
    """Compare or write transcripts."""
    names = sorted(path.stem for path in FOLDER.glob("*.txt"))
    parser = argparse.ArgumentParser(prog="first_hour")
    parser.add_argument("names", nargs="*", choices=[*names, []], help="the transcripts; by default all")
    parser.add_argument("--update", action="store_true", help="write the transcripts")
    parser.add_argument(
        "--fresh-clone",
        action="store_true",
        help="clone the last commit, install it with an empty home, and compare there",
    )
    options = parser.parse_args()
    if options.fresh_clone and options.update:
        parser.error("--update writes the transcripts of this checkout: leave out --fresh-clone")
    if options.fresh_clone:
        return in_fresh_clone(options.names)
    differing = []
    for name in options.names or names:
        path = FOLDER / f"{name}.txt"
        recorded = path.read_text(encoding="utf-8")
        seen = replay(recorded)
        if seen != recorded:
            differing.append(name)
            lines = difflib.unified_diff(recorded.splitlines(), seen.splitlines(), str(path.name), "now", lineterm="")
            print("\n".join(lines))
            if options.update:
                path.write_text(seen, encoding="utf-8")
    print(f"{'written' if options.update else 'different'}: {', '.join(differing) or 'none'}")
    return int(bool(differing) and not options.update)


def in_fresh_clone(names: list[str]) -> int:
    """Clone the last commit into a temporary folder, install it there with an empty home, and run this program."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        clone, home = Path(folder, "reasoning"), Path(folder, "home")
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(clone)], check=True)
        outside = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
        subprocess.run([clone / "scripts/install"], env={**outside, "HOME": str(home)}, check=True)
        command = [str(clone / ".venv/bin/python"), "-m", "first_hour", *names]
        # The home of this process has the weights for the student. Each transcript has an empty one.
        replayed = subprocess.run(
            command, env={**outside, "PYTHONPATH": str(clone / "scripts")}, cwd=clone, check=False
        )
        return replayed.returncode


if __name__ == "__main__":
    sys.exit(main())
