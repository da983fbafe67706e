"""The clients and their environments: a virtual environment or a folder of npm packages for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = Path(__file__).resolve().parent / "programs"
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT / "scripts"),
    "PYTHONUNBUFFERED": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it would else look for prices on the web
}
"""Environment variables of the programs, which import `serve_clients.programs`."""


@dataclass(frozen=True)
class Client:
    """A client.

    Attributes:
        title: its name in the table.
        program: a file in `programs/`.
        requires: what pip installs for it, in the newest releases.
        npm: the npm package that is installed for it.
    """

    title: str
    program: str
    requires: tuple[str, ...] = ()
    npm: str = ""

    def command(self, folder: Path) -> list[str]:
        """Return the command of its program without arguments; the environment is created if it is missing.

        Args:
            folder: the folder of the client's environment.

        Raises:
            SystemExit: it cannot be installed.
        """
        module = f"serve_clients.programs.{Path(self.program).stem}"
        if not self.npm:
            return [str(with_pip(folder, self.requires)), "-m", module]
        _with_npm(folder, self.npm)
        if self.program.endswith(".py"):
            return [sys.executable, "-m", module]
        # An import of JavaScript is resolved from the folder of the file.
        return ["node", shutil.copy(PROGRAMS / self.program, folder)]


CLIENTS = {
    "openai": Client("openai (Python)", "openai_python.py", ("openai[aiohttp]",)),
    "openai-node": Client("openai (JavaScript)", "openai_node.mjs", npm="openai"),
    # 1.82.7 and 1.82.8 were compromised releases.
    "litellm": Client("litellm", "litellm.py", ("litellm!=1.82.7,!=1.82.8",)),
    "langchain": Client("langchain-openai", "langchain_openai.py", ("langchain-openai",)),
    "dspy": Client("DSPy", "dspy.py", ("dspy",)),
    "lm_eval": Client("lm-evaluation-harness", "lm_eval.py", ("lm_eval[api]",)),
    "inspect_ai": Client("inspect_ai", "inspect_ai.py", ("inspect_ai", "openai")),
    "promptfoo": Client("promptfoo", "promptfoo.py", npm="promptfoo"),
}


def with_pip(folder: Path, requires: tuple[str, ...]) -> Path:
    """Return the interpreter of a virtual environment; it is created if it is missing.

    Args:
        folder: the environment.
        requires: what pip installs, in the newest releases.

    Raises:
        SystemExit: it cannot be installed.
    """
    program, stamp = folder / "bin" / "python", folder / "installed.txt"
    wanted = "\n".join(requires)
    if not (program.exists() and stamp.exists() and stamp.read_text() == wanted):
        print(f"making {folder}: pip install {' '.join(requires)}", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        _install([str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requires], folder)
        stamp.write_text(wanted)
    return program


def _with_npm(folder: Path, package: str) -> None:
    stamp = folder / "installed.txt"
    if not (stamp.exists() and stamp.read_text() == package):
        print(f"making {folder}: npm install {package}", file=sys.stderr, flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        _install(["npm", "install", "--no-audit", "--no-fund", "--silent", package], folder)
        stamp.write_text(package)


def _install(command: list[str], folder: Path) -> None:
    if shutil.which(command[0]) is None:
        raise SystemExit(
            f"error: {command[0]} must be installed to make {folder}; or leave its clients out with --only"
        )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: cannot install into {folder}:\n{done.stderr.strip()[-2000:]}")
