"""The hook by which a `conftest.py` gives the model that answers the cases of chains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM


@pytest.hookspec(firstresult=True)
def pytest_chain_llm() -> LLM | None:
    """The model; None leaves it to `--chain-model`."""
