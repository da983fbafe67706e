"""Run every client against `reasoning serve`, and write the table of what works.

    export PYTHONPATH=scripts
    .venv/bin/python -m serve_clients --envs FOLDER                                     # prints the table
    .venv/bin/python -m serve_clients --envs FOLDER --page docs/reference/clients.md    # writes it into the page
    .venv/bin/python -m serve_clients --envs FOLDER --only openai,dspy --model local:smollm2-135m

The model is a mock on loopback that counts what it gives out, so that usage, cancellation and retries can be checked;
`--model` takes a real one, and leaves out what only the mock can show. Environments are created at the first run and
kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from serve_clients.environments import CLIENTS, ENVIRONMENT, ROOT, Client
from serve_clients.programs.checks import NAMES
from serve_clients.serving import ALIASES, ALIASES_OF_REAL_MODELS, KEY, Serving, serving
from serve_clients.table import markdown, put_into

PATIENCE = 900
"""Seconds after which a client is abandoned."""


@contextmanager
def upstream() -> Iterator[str]:
    """Run the mock of the model while the body runs; yields its address."""
    command = [sys.executable, "-m", "serve_clients.upstream", "--latency-ms", "20"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


def run_client(name: str, client: Client, envs: Path, server: Serving, mock: str, state: Path) -> dict[str, Any]:
    """Run a client's program, and return its version and the outcomes of its checks."""
    state.mkdir(parents=True, exist_ok=True)
    command = client.command(envs / name)
    aliases = [alias.partition("=")[0] for alias in (ALIASES if mock else ALIASES_OF_REAL_MODELS)]
    if client.program.endswith(".mjs"):
        command += [server.url, KEY, mock, *aliases]
    else:
        named = {"url": server.url, "key": KEY, "upstream": mock, "state": str(state), "environment": str(envs / name)}
        named |= dict(zip(("alias", "steps"), aliases, strict=True))
        command += [word for option, value in named.items() for word in (f"--{option}", value)]
    if mock:
        urllib.request.urlopen(urllib.request.Request(f"{mock}/reset", data=b"", method="POST"), timeout=10).close()
    environment = {
        **ENVIRONMENT,
        **dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"), "1"),
        **{name: str(state / "cache") for name in ("HF_HOME", "INSPECT_CACHE_DIR", "DSPY_CACHEDIR", "XDG_DATA_HOME")},
        **dict.fromkeys(("OPENAI_API_KEY", "REASONING_API_KEY"), KEY),
        "REASONING_BASE_URL": server.url,
    }
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=state, env=environment, timeout=PATIENCE, check=False
        )
        out, failed = done.stdout, done.stderr
    except subprocess.TimeoutExpired as error:
        out, failed = str(error.stdout or ""), f"abandoned after {PATIENCE} s"
    rows = [json.loads(line) for line in out.splitlines() if line.startswith(('{"version"', '{"check"'))]
    if not rows:
        raise SystemExit(f"error: {name} printed no result: {failed[-1500:]}")
    checks = {row["check"]: row for row in rows if "check" in row}
    return {"client": name, "title": client.title, "version": rows[0]["version"], "checks": checks, "stderr": failed}


def main(arguments: list[str] | None = None) -> None:
    """Run the command; the exit code is 1 if a check failed."""
    parser = argparse.ArgumentParser(prog="python -m serve_clients", description="Run clients against the server.")
    parser.add_argument("--envs", type=Path, required=True, help="folder with an environment for each client")
    parser.add_argument("--only", default="", help=f"clients: {', '.join(CLIENTS)}")
    parser.add_argument("--model", default="", help="a real model instead of the mock, such as local:smollm2-135m")
    parser.add_argument("--page", type=Path, help="write the table into this page, between its marks")
    parser.add_argument("--verbose", action="store_true", help="print what failing clients wrote to standard error")
    given = parser.parse_args(arguments)
    if given.page is not None and not given.page.is_file():
        parser.error(f"--page must be a page with the marks of a table, got {given.page}, which is no file")
    wanted = given.only.split(",") if given.only else list(CLIENTS)
    if unknown := [name for name in wanted if name not in CLIENTS]:
        parser.error(f"unknown client {unknown[0]!r}; known: {', '.join(CLIENTS)}")
    envs = given.envs.absolute()
    for name in wanted:
        # All of them before the first client runs: what cannot be installed is said at once.
        CLIENTS[name].command(envs / name)
    rows = []
    with tempfile.TemporaryDirectory(prefix="clients-", ignore_cleanup_errors=True) as folder, upstream() as mock:
        options = ["--model", "openai/mock", "--base-url", f"{mock}/v1", "--kind", "number"]
        if given.model:
            options = ["--model", given.model, "--max-tokens", "48"]
        aliases = ALIASES_OF_REAL_MODELS if given.model else ALIASES
        with serving(Path(folder) / "server", options, aliases) as server:
            for name in wanted:
                seen = "" if given.model else mock
                row = run_client(name, CLIENTS[name], envs, server, seen, Path(folder) / name)
                rows.append(row)
                for check, found in row["checks"].items():
                    line = f"{name} {row['version']}: {NAMES[check]}: {found['outcome']} {found.get('detail', '')}"
                    print(line.rstrip(), file=sys.stderr, flush=True)
                if given.verbose and any(found["outcome"] == "no" for found in row["checks"].values()):
                    print(row["stderr"], file=sys.stderr)
            if "Traceback" in server.output():
                print(server.output()[-3000:], file=sys.stderr)
    text = markdown(rows, given.model, date.today().isoformat())
    if given.page:
        put_into(given.page, text, "real" if given.model else "mock")
    else:
        print(text)
    if any(found["outcome"] == "no" for row in rows for found in row["checks"].values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
