"""The Ray cluster of a run: one that exists, or one on this machine that ends with the run."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from reasoning.errors import MissingExtra, UsageError

_ANSWER_SECONDS = 5.0
"""Seconds within which the head of a cluster must accept a connection."""
_STORE_BYTES = 200_000_000
"""The memory for objects of a cluster that is started for a run; a third of the machine's by default."""


@dataclass(frozen=True)
class RayCluster:
    """The Ray cluster that runs a comparison.

    Attributes:
        address: "auto" for the cluster that this machine belongs to, or else one on this machine alone that ends with
            the run; or the address of a cluster, as in "10.0.0.1:6379", of which this machine must be a part.
        workers: the number of workers, each with one core; None for the cores of the cluster.

    Raises:
        UsageError: a value is wrong.
    """

    address: str = "auto"
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"workers must be at least 1, got {self.workers}")
        if self.address.startswith("ray://"):
            raise UsageError(
                "the run must be started on a machine of the cluster, since it keeps the results there: give its "
                f"address, such as 10.0.0.1:6379, or auto, got {self.address!r}"
            )

    def check_reachable(self) -> None:
        """Raise UsageError if nothing listens at the address, for which Ray would wait for minutes."""
        if self.address == "auto":
            return
        host, _, port = self.address.rpartition(":")
        if not (host and port.isdecimal() and int(port) < 65_536):
            raise UsageError(
                f"the address of a Ray cluster must be auto, or HOST:PORT such as 10.0.0.1:6379, got {self.address!r}"
            )
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS):
                return
        except OSError as error:
            raise UsageError(
                f"no Ray cluster answers at {self.address}: {error}; give auto, or the address of its head"
            ) from None

    @contextmanager
    def connect(self) -> Iterator[tuple[Any, int]]:
        """Connect to the cluster, or start one on this machine, and yield Ray and the number of workers.

        Raises:
            MissingExtra: Ray is not installed.
            UsageError: no cluster answers, or it has fewer cores than workers.
        """
        # Ray would report its use to its makers.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise MissingExtra("a run on a Ray cluster", "ray", "ray") from None
        is_ours = not ray.is_initialized()
        if is_ours:
            quiet = {"log_to_driver": False, "logging_level": "ERROR"}
            try:
                ray.init(address=self.address, **quiet)
            except ConnectionError as error:
                if self.address != "auto":
                    raise UsageError(f"no Ray cluster answers at {self.address}: {error}") from None
                ray.init(num_cpus=self.workers, include_dashboard=False, object_store_memory=_STORE_BYTES, **quiet)
        try:
            cores = int(ray.cluster_resources().get("CPU", 0))
            workers = self.workers or max(1, cores)
            if workers > cores:
                raise UsageError(f"each worker needs a core of the cluster, which has {cores}: got {workers} workers")
            yield ray, workers
        finally:
            if is_ours:
                ray.shutdown()
