"""Checks of one client: each is a function of its name, and prints what it found. Standard library only."""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import json
import os
import sys
import time
import traceback
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

NAMES = {
    "chat": "chat",
    "async": "async",
    "stream": "stream",
    "responses": "responses API",
    "structured": "structured output",
    "n": "n",
    "usage": "usage",
    "before": "earlier turns",
    "extension": "kind, series, trace",
    "errors": "errors",
    "keys": "keys",
    "retries": "no useless retry",
    "cancel": "cancellation",
    "models": "models",
    "evaluation": "evaluation",
}
"""The checks and the headings of their columns, in order."""

RECOVERY = 2.0
"""Seconds for which a server calls no provider that has refused its key."""
QUESTION = "Tom has 17 apples and buys 25 more. How many apples does he have?"


class NoWay(Exception):
    """The client has no way to do it; the message says why."""


@dataclass(frozen=True)
class Setting:
    """The server that is asked, and the mock behind it.

    Attributes:
        url: the base URL of the server, with `/v1`.
        key: a key that it accepts.
        upstream: the address of the mock upstream, or empty where a real model answers.
        state: a folder for files.
        alias: a strategy of one request of several samples.
        steps: a strategy of several requests, one after the other.
        environment: the folder of the client's environment.
    """

    url: str
    key: str
    upstream: str
    state: str
    alias: str
    steps: str
    environment: str

    def seen(self) -> Any:
        """Return the counters of the upstream.

        Raises:
            NoWay: a real model answers, which has none.
        """
        if not self.upstream:
            raise NoWay("a real model keeps no count")
        with urllib.request.urlopen(f"{self.upstream}/seen", timeout=10) as reply:
            return json.load(reply)

    def needs_mock(self) -> None:
        """Skip a check of replies and faults that only the mock gives."""
        if not self.upstream:
            raise NoWay("only the mock does it on request")

    def wait_for_recovery(self) -> None:
        """Wait until the server calls the provider again, after one has refused its key."""
        time.sleep(RECOVERY)


Check = Callable[[Setting], object]


def unique(text: str = QUESTION) -> str:
    """Return a question that was not asked before."""
    return f"{text} (Number {time.time_ns()}.)"


def expect(condition: object, otherwise: object) -> None:
    """Raise an error unless a condition holds; it does not vanish with -O, as assert does."""
    if not condition:
        raise AssertionError(str(otherwise))


def expect_answer(text: str | None) -> None:
    """Raise an error unless a reply has a text, and a number if the mock is asked, which always says one."""
    has_number = any(sign.isdigit() for sign in text or "")
    expect(text and (has_number or not read_setting().upstream), f"no number in the answer {text!r:.80}")


def raises(call: Callable[[], object], *names: str) -> BaseException:
    """Return the error of a call, whose class must have one of these names.

    Raises:
        AssertionError: it succeeded, or raised another one.
    """
    try:
        found = call()
    except Exception as error:
        expect(type(error).__name__ in names, f"raised {type(error).__name__}: {error}"[:200])
        return error
    raise AssertionError(f"no error, but {str(found)[:80]!r}")


def leave(at: Setting, ask: Callable[[str], Awaitable[object]], seconds: float) -> None:
    """Cancel a slow request after some seconds, and check that the server then makes no further one.

    Args:
        at: the server.
        ask: asks it a question.
        seconds: the time after which the client leaves.
    """

    async def leave_early(question: str) -> None:
        try:
            await asyncio.wait_for(ask(question), seconds)
        except TimeoutError:
            await asyncio.sleep(1.5)
            return
        raise AssertionError("the reply came before the client could leave")

    at.needs_mock()
    before = at.seen()["requests"]
    asyncio.run(leave_early(unique() + " [slow]"))
    time.sleep(0.2)
    asked = at.seen()["requests"] - before
    expect(asked == 1, f"{asked} requests were made for a client that had left")


def read_setting() -> Setting:
    """Return the setting that the command line says."""
    parser = argparse.ArgumentParser()
    for name in Setting.__dataclass_fields__:
        parser.add_argument(f"--{name}", default="")
    return Setting(**vars(parser.parse_args()))


def run(package: str, checks: dict[str, Check], setting: Setting | None = None, version: str = "") -> None:
    """Run all checks of a client, print a line of JSON for each, and end the process.

    Args:
        package: the distribution whose version is reported.
        checks: the checks by name, a part of `NAMES`.
        setting: where to ask; by default what the command line says.
        version: the version of a client that is no distribution of Python.
    """
    setting = setting or read_setting()
    print(json.dumps({"version": version or importlib.metadata.version(package)}), flush=True)
    for name, check in checks.items():
        expect(name in NAMES, f"unknown check {name}")
        try:
            check(setting)
            row = {"check": name, "outcome": "yes"}
        except NoWay as error:
            row = {"check": name, "outcome": "none", "detail": str(error)}
        except BaseException as error:
            traceback.print_exc()
            row = {"check": name, "outcome": "no", "detail": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(row), flush=True)
    sys.stdout.flush()
    os._exit(0)  # some libraries have threads that would keep the process alive
