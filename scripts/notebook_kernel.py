"""Cells of a notebook in the kernel that JupyterLab uses, and the outputs that stay below each cell."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

Output = dict[str, Any]
"""An output as a file of a notebook stores it."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class CellFailed(Exception):
    """A cell raised an error. The text is its traceback."""


class Kernel:
    """A running kernel. `running_kernel` starts one."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, source: str, seconds: float = 3600) -> list[Output]:
        """Run a cell, and return what stays below it: an output that is drawn anew is there once, as it was last.

        Args:
            source: the cell.
            seconds: the time after which it is given up.

        Raises:
            CellFailed: the cell raised an error.
            TimeoutError: it took too long, or its kernel has died.
        """
        outputs: list[Output] = []
        errors: list[str] = []
        by_id: dict[str, Output] = {}

        def add(message: Mapping[str, Any]) -> None:
            content, kind = message["content"], message["msg_type"]
            if kind == "error":
                errors.append(_COLOUR.sub("", "\n".join(content["traceback"])))
            elif kind == "stream":
                _add_text(outputs, content["name"], content["text"])
            elif kind in ("display_data", "execute_result", "update_display_data"):
                name = content.get("transient", {}).get("display_id")
                kept = {key: content[key] for key in ("data", "metadata", "execution_count") if key in content}
                if kind == "update_display_data":
                    by_id[name] |= kept
                else:
                    outputs.append({"output_type": kind, **kept})
                    by_id[name] = outputs[-1]

        self._client.execute_interactive(source, output_hook=add, allow_stdin=False, timeout=seconds)
        if errors:
            raise CellFailed(errors[0])
        return [_stored(output) for output in outputs if "text" in output or any(output["data"].values())]


@contextmanager
def running_kernel(folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Iterator[Kernel]:
    """Start a kernel, and end it with the block.

    Args:
        folder: its working folder; by default that of this process.
        environment: its environment variables; by default those of this process.
    """
    # By default it warns of TCP, which is this machine's loopback.
    quiet = ["--IPKernelApp.log_level=ERROR"]
    manager, client = start_new_kernel(
        extra_arguments=quiet, cwd=str(folder or Path.cwd()), env=dict(environment or os.environ)
    )
    try:
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _add_text(outputs: list[Output], name: str, text: str) -> None:
    if outputs and outputs[-1].get("name") == name:
        outputs[-1]["text"] += text
    else:
        outputs.append({"output_type": "stream", "name": name, "text": text})


def _stored(output: Output) -> Output:
    """Return the output with its texts as lists of lines, as files of notebooks have them."""
    if "text" in output:
        return {**output, "text": output["text"].splitlines(keepends=True)}
    data = {
        mime: value.splitlines(keepends=True) if isinstance(value, str) else value
        for mime, value in output["data"].items()
    }
    return {**output, "data": data}
