"""Clients that leave, and a server that is killed: nothing is lost, nothing is bought twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from serve_clients.stress import stress


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
def test_nothing_is_lost_or_bought_twice(tmp_path: Path) -> None:
    found = asyncio.run(stress(tmp_path, seconds=20, clients=24, killing=0.6))
    assert found.faults() == []
    assert len(found.kills) >= 1
    assert found.answered > 20
    assert found.replies["left"] > 5
