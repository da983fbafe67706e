"""The clients, and a virtual environment for each."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
"""Environment variables of subprocesses, which import `perf`."""


@dataclass(frozen=True)
class Client:
    """A module of `perf.clients` and its environment.

    Attributes:
        requires: what pip installs for it, in the newest releases.
        imports: module whose import is measured.
        variants: names after the colon; "" is the client's default.
        warm: variants with a cache that a second run can use.
        takes_n: whether one request can ask for several draws.
    """

    requires: tuple[str, ...]
    imports: str
    variants: tuple[str, ...] = ("",)
    warm: tuple[str, ...] = ()
    takes_n: bool = True


CLIENTS = {
    "aiohttp": Client(("aiohttp",), "aiohttp"),
    "reasoning": Client((f"-e{ROOT}",), "reasoning", ("", "litellm"), warm=("",)),
    "its_hub": Client(("its_hub[lm]",), "its_hub", takes_n=False),
    "httpx": Client(("httpx",), "httpx"),
    "openai": Client(("openai[aiohttp]",), "openai", ("", "aiohttp")),
    # 1.82.7 and 1.82.8 were compromised releases.
    "litellm": Client(("litellm!=1.82.7,!=1.82.8",), "litellm", ("", "vllm")),
    "lm_eval": Client(("lm_eval[api]",), "lm_eval.models.api_models", ("", "cache"), takes_n=False),
    "dspy": Client(("dspy",), "dspy", ("", "nocache"), warm=("",)),
    "inspect_ai": Client(("inspect_ai", "openai"), "inspect_ai", ("", "cache"), warm=("cache",)),
}
REFERENCE = "aiohttp"
"""The client that the ratios refer to."""


def named(only: str) -> list[str]:
    """Parse a comma-separated list of clients, each NAME or NAME:VARIANT; an empty text means all.

    Raises:
        SystemExit: there is no such client.
    """
    known = [f"{name}:{variant}".rstrip(":") for name, client in CLIENTS.items() for variant in client.variants]
    wanted = [client_name.strip() for client_name in only.split(",") if client_name.strip()] or known
    for client_name in wanted:
        if client_name not in known:
            raise SystemExit(f"error: unknown client {client_name!r}; known: {', '.join(known)}")
    return [client_name for client_name in known if client_name in wanted]


def python(folder: Path, name: str) -> Path:
    """Return the interpreter of a client's environment, and create the environment if it is missing."""
    client, home = CLIENTS[name], folder / name
    program, stamp = home / "bin" / "python", home / "installed.txt"
    wanted = "\n".join(client.requires)
    if program.exists() and stamp.exists() and stamp.read_text() == wanted:
        return program
    print(f"making {home}: pip install {' '.join(client.requires)}", file=sys.stderr, flush=True)
    venv.create(home, with_pip=True, clear=True)
    install = [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *client.requires]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: cannot install {name}:\n{done.stderr.strip()[-2000:]}")
    stamp.write_text(wanted)
    return program
