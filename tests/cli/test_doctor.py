"""`reasoning doctor` tells what holds here, and what does not."""

import subprocess
import sys

import pytest

from reasoning.cli import doctor
from reasoning.sandbox.fork_server import ForkServerPool, SandboxStatus
from reasoning.sandbox.monty_errors import SandboxUnavailable


def test_the_command_tells_each_guarantee_of_each_tier():
    code = "from reasoning.cli.app import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "doctor"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    for word in (
        "python",
        "weights",
        "indexes",
        "journal",
        "interpreter",
        "process",
        "container",
        "files",
        "network",
        "processes",
        "time",
    ):
        assert word in done.stdout
    assert "journal.sqlite" in done.stdout


def rows(monkeypatch, found):
    def lockdown(self):
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(ForkServerPool, "status", lockdown)
    return list(doctor.findings())


@pytest.mark.skipif(sys.platform != "linux", reason="the locks are Linux's")
def test_what_is_enforced_is_said_with_its_means(monkeypatch):
    found = rows(monkeypatch, SandboxStatus({"files": "Landlock 7", "network": "seccomp"}, ["processes"], ["sympy"]))
    assert ("", "files", "Landlock 7") in found
    assert ("", "processes", "NOT ENFORCED on this machine") in found
    assert any(part == "packages" and fact.startswith("sympy 1.") for _, part, fact in found)
    assert any(about == "process" and "require_lockdown=no" in fact for about, _, fact in found)


def test_where_there_is_no_child_process_it_is_said(monkeypatch):
    found = rows(monkeypatch, SandboxUnavailable("this system cannot fork processes"))
    assert ("process", "", "not available: this system cannot fork processes") in found
