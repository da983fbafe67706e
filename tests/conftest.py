"""Settings and fixtures of all tests."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from reasoning.providers.llama_cpp import download, weights
from reasoning.retrieval import opened_sources

# In the background SIGINT is ignored, and child processes would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# HYPOTHESIS_PROFILE=default draws new examples in each run.
# A busy machine draws slowly, which says nothing about a test.
settings.register_profile("same", derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

HOME = weights.folder()
"""The folder of the user's weights, before any test redirects it."""


def pytest_configure() -> None:
    """Give each worker process separate cores, since a local model starts a thread for each core that it sees."""
    worker, cores = os.environ.get("PYTEST_XDIST_WORKER", ""), getattr(os, "sched_getaffinity", lambda _: ())(0)
    if worker and cores:
        own = sorted(cores)[int(worker.removeprefix("gw")) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]
        os.sched_setaffinity(0, own or cores)


def pytest_collection_finish() -> None:
    """Exclude the collected tests from garbage collection, each pass over which takes a third of a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _separate_journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the draws of tests out of the user's journal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _separate_indexes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the indexes that tests build out of the user's cache."""
    stored = tmp_path_factory.mktemp("cache") / "indexes"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opened_sources, "folder", lambda: stored)
        yield


@pytest.fixture
def selected_by_mark(request: pytest.FixtureRequest) -> None:
    """Skip the test unless its mark is selected."""
    if "long" not in request.config.getoption("-m"):
        pytest.skip("takes long: -m long")


@pytest.fixture(scope="session")
def smollm() -> Path:
    """Return the file of the smallest local model, downloaded once into the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "folder", lambda: HOME)
        return download.ensure("smollm2-135m")
