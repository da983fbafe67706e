"""Replay the first hour of four users in an empty folder and an empty home, and compare what they see.

PYTHONPATH=scripts .venv/bin/python -m first_hour             # compare all transcripts; exit code 1 if one differs
PYTHONPATH=scripts .venv/bin/python -m first_hour hostile     # compare one
PYTHONPATH=scripts .venv/bin/python -m first_hour --update    # write them
"""

from __future__ import annotations

import argparse
import difflib
import sys

from first_hour.transcript import FOLDER, replay


def main() -> int:
    """Compare or write transcripts."""
    names = sorted(path.stem for path in FOLDER.glob("*.txt"))
    parser = argparse.ArgumentParser(prog="first_hour")
    parser.add_argument("names", nargs="*", choices=[*names, []], help="the transcripts; by default all")
    parser.add_argument("--update", action="store_true", help="write the transcripts")
    options = parser.parse_args()
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


if __name__ == "__main__":
    sys.exit(main())
