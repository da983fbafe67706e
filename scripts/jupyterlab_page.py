"""JupyterLab on this machine with one notebook, and its buttons pressed in headless Chromium."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reasoning import paths
from tests.benchmarks.report.browser import Browser

_START_SECONDS, _KERNEL_SECONDS = 60, 60


@contextmanager
def serve(command: str, folder: Path, cells: list[str]) -> Iterator[str]:
    """Serve a notebook with these cells until the block ends, and yield its address.

    Its kernel is this environment with the weights of this machine and an empty journal.

    Args:
        command: the path of `jupyter-lab`, which may be of another environment.
        folder: an empty folder for the notebook, the settings and the journal.
        cells: the sources of the cells.
    """
    kernel = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": kernel, "display_name": "Python 3", "language": "python"}
    _write_json(folder / "kernels/python3/kernel.json", spec)
    # JupyterLab would ask whether to fetch its news.
    no_news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    _write_json(folder / "config/labconfig/page_config.json", no_news)
    fields = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    notebook = {
        "cells": [{**fields, "id": f"cell-{i}", "source": source} for i, source in enumerate(cells)],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    _write_json(folder / "work/compare.ipynb", notebook)
    environment = {
        **os.environ,
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(paths.cache_dir().parent),
        "XDG_DATA_HOME": str(folder / "data"),
        "JUPYTER_PATH": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
    }
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    options = ["--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0"]
    options += ["--IdentityProvider.token=", f"--ServerApp.root_dir={folder / 'work'}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([command, *options], env=environment, **quiet)
    try:
        _wait_for_server(server, port)
        yield f"http://127.0.0.1:{port}/doc/tree/compare.ipynb"
    finally:
        server.terminate()
        server.wait()


def run_cell(browser: Browser, number: int) -> None:
    """Select a cell and press the run button, as often as it takes: before the kernel is there, a press is lost."""
    prompt = f"document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')[{number}]"
    browser.wait(f"!!{prompt}", _START_SECONDS)
    before = browser.ask(f"{prompt}.innerText")
    status = "document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status"
    has_started = f"{prompt}.innerText !== {before!r} && ({status} === 'busy' || /[0-9]/.test({prompt}.innerText))"
    deadline = time.monotonic() + _KERNEL_SECONDS
    while not browser.ask(has_started):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the cell did not start within {_KERNEL_SECONDS} s")
        click(browser, prompt)
        press_button(browser, "run-cell-and-select-next")
        time.sleep(2)


def press_button(browser: Browser, command: str) -> None:
    """Press a button of the notebook's toolbar, such as "interrupt-kernel"."""
    click(browser, f"document.querySelector('[data-command=\"notebook:{command}\"]')")


def click(browser: Browser, element: str) -> None:
    """Click an element: JupyterLab's buttons listen to the mouse."""
    x, y = browser.ask(f"(({{x, y, width}}) => [x + width / 2, y + 8])({element}.getBoundingClientRect())")
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def _write_json(path: Path, data: object) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(data), encoding="utf-8")


def _wait_for_server(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(10 * _START_SECONDS):
        if server.poll() is not None:
            break
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("JupyterLab does not start")
