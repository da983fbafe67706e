"""The command `reasoning view`."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.cli import interrupts
from reasoning.cli.output import echo, info

if TYPE_CHECKING:
    from reasoning.benchmarks.view.library import Library


def view(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="A folder with runs and outputs of chains.",
            show_default="results/ if there is one, else this folder",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(help="The first port to try; 0 takes any.", min=0, max=65535, metavar="N")
    ] = 7331,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address, and open no browser.")] = False,
) -> None:
    """Show runs and chains in the browser.

    The page lists every run, evaluation and output under a folder, also while a run is going. It is served to this
    machine only and needs no network. Nothing in the folder is changed. Ctrl-C ends it.
    """
    import asyncio

    from reasoning.benchmarks.view.library import Library

    results = Path("results")
    root = folder or (results if results.is_dir() else Path())
    # Ctrl-C is how a viewer ends: there is nothing to continue.
    interrupts.leave_quietly()
    asyncio.run(_serve(Library(root), port, opens=not no_open))


async def _serve(library: Library, port: int, *, opens: bool) -> None:
    import asyncio

    from reasoning.benchmarks.view.server import start

    serving = await start(library, port)
    used = serving.port
    # If the folder is one run, that is what is meant.
    page = "#/run?name=." if (library.root / "run.json").is_file() else ""
    if port not in (0, used):
        info(f"port {port} is in use: taking {used}")
    info(f"viewing {library.root}; Ctrl-C ends it")
    echo(serving.address(serving.guard.token) + page)
    if "SSH_CONNECTION" in os.environ:
        info(f"from your machine: ssh -L {used}:127.0.0.1:{used} HOST, then open the address there")
    elif opens and _has_display():
        import webbrowser

        address = serving.address(serving.guard.single_use_token()) + page
        # It may wait for a browser that starts.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    # Only a signal ends it.
    await asyncio.Event().wait()


def _has_display() -> bool:
    """Return whether a browser has a screen. Without one, a text browser would take over the terminal."""
    return sys.platform in ("win32", "darwin") or any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY"))
