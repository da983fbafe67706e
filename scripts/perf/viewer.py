"""Measure the viewer on a generated run: times until rows are drawn, frames while scrolling, and memory.

PYTHONPATH=. python scripts/perf/viewer.py --problems 10000 --strategies 4
"""

from __future__ import annotations

import argparse
import atexit
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.report.browser import Browser
from tests.benchmarks.report.synthetic import made

_ROWS = "document.querySelectorAll('.virtual tbody tr:not(.space):not(.waiting)').length > 5"
_SCROLL = """new Promise((done) => {
  const box = document.querySelector('.virtual-scroll'), times = [];
  let last = performance.now();
  const step = (now) => {
    times.push(now - last);
    last = now;
    box.scrollTop += 400;
    if (times.length < 240) requestAnimationFrame(step);
    else { times.sort((a, b) => a - b); done([times[120], times[228], times.at(-1)]); }
  };
  requestAnimationFrame(step);
})"""


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description="Measure the viewer.")
    parser.add_argument("--problems", type=int, default=10_000)
    parser.add_argument("--strategies", type=int, default=4)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Browser.running() as browser:
        made(Path(folder) / "run", given.problems, given.strategies)
        code = "from reasoning.cli.app import main; main()"
        begun = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-c", code, "view", folder, "--no-open", "--port", "0"], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            # An error ends the viewer, too.
            atexit.register(process.kill)
            url = process.stdout.readline().strip()
            _say("address printed after", time.monotonic() - begun)
            _time(browser, "list", lambda: browser.open(url), "document.querySelector('.list td a')")
            at = "location.hash = '#/run?name=run&tab=problems'"
            _time(browser, "first opening of the problems", lambda: browser.ask(at), _ROWS)
            browser.ask("history.back()")
            browser.wait("!!document.querySelector('.list td a')")
            _time(browser, "second opening of the problems", lambda: browser.ask(at), _ROWS)
            middle, late, worst = browser.ask(_SCROLL)
            print(f"frames while scrolling: median {middle:.0f} ms, 95 % {late:.0f} ms, longest {worst:.0f} ms")
            last = f"document.querySelector('.virtual-scroll').textContent.includes('made-{given.problems - 1:05d}')"
            jump = "document.querySelector('.virtual-scroll').scrollTop = 1e9"
            _time(browser, "jump to the last row", lambda: browser.ask(jump), last)
            search = (
                "(() => { const box = document.querySelector('[type=search]'); box.value = 'made-00042';"
                " box.dispatchEvent(new Event('input', { bubbles: true })); })()"
            )
            found = "document.querySelector('output').textContent.startsWith('1 of')"
            _time(browser, "search", lambda: browser.ask(search), found)
            _time(
                browser,
                "a problem",
                lambda: browser.ask("document.querySelector('.virtual a').click()"),
                "document.querySelector('.side .said')",
            )
            tables = "location.hash = '#/run?name=run'"
            _time(browser, "verdict and tables", lambda: browser.ask(tables), "document.querySelector('.headline')")
            metrics = browser.call("Memory.getDOMCounters")
            heap = browser.ask("performance.memory.usedJSHeapSize") / 1e6
            print(f"page: {heap:.0f} MB of JavaScript heap, {metrics['nodes']:,} nodes")
            peak = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            print("server: peak", next(line.split()[1] for line in peak.splitlines() if "VmHWM" in line), "kB")
            process.terminate()
            _, _, usage = os.wait4(process.pid, 0)
            print(f"server: {usage.ru_utime + usage.ru_stime:.1f} s of CPU")
            assert not browser.said, browser.said


def _time(browser: Browser, what: str, act: Any, until: str) -> None:
    begun = time.monotonic()
    act()
    browser.wait(f"!!({until})", 60)
    _say(what, time.monotonic() - begun)


def _say(what: str, seconds: float) -> None:
    print(f"{what}: {seconds:.2f} s")


if __name__ == "__main__":
    main()
