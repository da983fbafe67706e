"""A session for tools."""

from __future__ import annotations

import pytest

from reasoning.session import Session
from reasoning.testing import ScriptedLLM
from reasoning.trace import Trace


@pytest.fixture
def session() -> Session:
    return Session(ScriptedLLM(["The answer is Harle."] * 5), Trace("test"))
