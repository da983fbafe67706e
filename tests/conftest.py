"""What all tests may use."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from reasoning.providers.llama_cpp import download, weights

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # started in the background: the children would ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("same", derandomize=True)  # HYPOTHESIS_PROFILE=default tries others
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

HOME = weights.folder()  # where the user's weights are, before any test moves them


def pytest_configure() -> None:
    """Of several processes that test side by side each has cores of its own: a local model takes a thread for each."""
    worker, cores = os.environ.get("PYTEST_XDIST_WORKER", ""), getattr(os, "sched_getaffinity", lambda _: ())(0)
    if worker and cores:
        own = sorted(cores)[int(worker.removeprefix("gw")) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]
        os.sched_setaffinity(0, own or cores)


def pytest_collection_finish() -> None:
    """What thousands of tests are made of is not looked through again and again: that takes a third of a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _nobody_s_journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the draws of tests out of the user's journal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> None:
    """Leaves the test out unless it was chosen by its mark."""
    if "long" not in request.config.getoption("-m"):
        pytest.skip("takes long: -m long")


@pytest.fixture(scope="session")
def smollm() -> Path:
    """The file of the smallest local model, fetched once into the usual folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "folder", lambda: HOME)
        return download.ensure("smollm2-135m")
