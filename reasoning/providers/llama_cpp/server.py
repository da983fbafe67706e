"""llama.cpp in this process: one server a file of weights, on loopback behind a random key, shared and counted."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import http.client
import json
import os
import secrets
import shutil
import socket
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Any

from reasoning.errors import MissingExtra, WeightsError
from reasoning.providers.llama_cpp.prefix_cache import PrefixCache
from reasoning.providers.llama_cpp.slot_pool import SlotPool

SLOTS = 8
CONTEXT = 16_384
"""Tokens that all slots hold together. More would cost memory: 12 kB a token at 0.5 B parameters, 28 kB at 1.5 B."""

_THREADS = 8  # decoding is bound by memory, and the machine has other things to do
_SPIN = "1000"
"""How many times an OpenMP thread that waits for the others looks again before it sleeps. Longer, as by default, is no
faster on an idle machine, and many times slower where another process wants one of the cores."""

_engines: dict[Path, LlamaServer] = {}
_lock = threading.Lock()


class LlamaServer:
    """One file of weights, loaded and served.

    Attributes:
        path: the weights.
        address: the base URL, and `key` its bearer token.
        slots: who uses which sequence.
        prefixes: what was computed and saved.
        trained: tokens of context that the model was trained for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key = secrets.token_urlsafe(32)
        self.address = ""
        self.slots = SlotPool(SLOTS)
        self.prefixes = PrefixCache(Path())
        self.trained_context = CONTEXT
        self.users = 0
        self._server: Any = None
        self._loading, self._connecting = threading.Lock(), threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    @property
    def context(self) -> int:
        """Tokens that one request can have: its prompt and its answer."""
        return CONTEXT // self.slots.count

    @property
    def loaded(self) -> bool:
        """Whether it is served now, and has its folder of saved prefixes."""
        return self._server is not None

    def load(self) -> None:
        """Load the weights and listen; blocks for about a second a gigabyte. Does nothing the second time.

        Raises:
            MissingExtra: xllamacpp is not installed.
            WeightsError: llama.cpp cannot load the file.
        """
        with self._loading:
            if self._server is None:
                self.prefixes.folder = Path(tempfile.mkdtemp(prefix="reasoning-"))
                try:
                    self._serve()
                except BaseException:
                    self._stop()
                    shutil.rmtree(self.prefixes.folder, ignore_errors=True)
                    raise

    def reload(self, tokens: int) -> None:
        """Load again with fewer slots, so that each holds at least this many tokens. Nobody may be using it."""
        with self._loading:
            count = self.slots.count
            while count > 1 and CONTEXT // count < tokens:
                count //= 2
            self.slots.reset(count)
            self._stop()
            self._serve()

    def close(self) -> None:
        """Free the port and the memory; takes up to a second while a request is under way."""
        with self._loading:
            if self._server is not None:
                self._stop()
                shutil.rmtree(self.prefixes.folder, ignore_errors=True)

    def connect(self, address: Any) -> socket.socket:
        """A socket for a connection to the server (aiohttp's `socket_factory`)."""
        with self._connecting:
            if self._server is None:
                raise ConnectionRefusedError
            made = socket.socket(*address[:3])
            self._sockets.add(made)
            return made

    def leak_after_fork(self) -> None:
        """In a forked child, where its threads are not: never run its destructor, which would wait for them."""
        if self._server is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))

    def _serve(self) -> None:
        xllamacpp = _library()
        settings = xllamacpp.CommonParams()
        settings.model.path = str(self.path)
        settings.n_parallel = self.slots.count
        settings.n_ctx = CONTEXT
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads()
        settings.cache_ram_mib = 0  # its own copies of idle slots: prefixes are kept by us
        settings.warmup = False
        settings.verbosity = 0
        settings.ui = False
        settings.hostnames = ["127.0.0.1"]
        settings.port = 0
        settings.api_keys = [self.key]
        settings.endpoint_slots = True
        settings.slot_save_path = f"{self.prefixes.folder}{os.sep}"
        try:
            self._server = xllamacpp.Server(settings)
        except RuntimeError:
            raise WeightsError(
                f"{self.path} cannot be loaded: it is damaged, or of a kind that this llama.cpp does not know; "
                "get it again, or choose another with --model local:FILE.gguf"
            ) from None
        self.address = self._server.listening_address
        self.trained_context = self._ask("/v1/models")["data"][0]["meta"]["n_ctx_train"]
        # Its main loop answers this one: it must have begun before the destructor may run, or that waits for ever.
        self._ask("/slots")

    def _ask(self, path: str) -> Any:
        host, _, port = self.address.removeprefix("http://").rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.key}"})
            return json.load(connection.getresponse())

    def _stop(self) -> None:
        with self._connecting:
            for made in self._sockets:  # the destructor waits for requests whose connection is open
                with contextlib.suppress(OSError):
                    made.shutdown(socket.SHUT_RDWR)
            self._server = None


def acquire(path: Path) -> LlamaServer:
    """The engine of a file, one for the whole process; give it back with `release`."""
    path = path.resolve()
    with _lock:
        engine = _engines.setdefault(path, LlamaServer(path))
        engine.users += 1
        return engine


def release(engine: LlamaServer) -> None:
    """Give an engine back; the last one closes it."""
    with _lock:
        engine.users -= 1
        if engine.users:
            return
        _engines.pop(engine.path, None)
    engine.close()


def remove_files() -> None:
    """Remove what the engines keep on the disk, for a process that ends at once and closes nothing."""
    for engine in list(_engines.values()):
        if engine.loaded:
            shutil.rmtree(engine.prefixes.folder, ignore_errors=True)


def threads() -> int:
    """How many threads decode best: the physical cores that this process may use (a second thread a core slows it)."""
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # not Linux
        return min(os.cpu_count() or 2, _THREADS)
    cores = set()
    for cpu in allowed:
        try:
            cores.add(Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text())
        except OSError:
            cores.add(str(cpu))
    return max(1, min(len(cores), _quota(), _THREADS))


def _quota() -> int:
    """Whole cores that a container's limit leaves."""
    try:
        most, _, period = Path("/sys/fs/cgroup/cpu.max").read_text().partition(" ")
        return max(1, int(most) // int(period))
    except (OSError, ValueError):  # no limit
        return _THREADS


def _library() -> Any:
    ours = not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys()
    if ours:
        os.environ["GOMP_SPINCOUNT"] = _SPIN  # read once, when the library is loaded
    try:
        import xllamacpp
    except ImportError:
        raise MissingExtra("a local model", "local", "xllamacpp") from None
    finally:
        if ours:
            del os.environ["GOMP_SPINCOUNT"]
    return xllamacpp


def _close_all() -> None:
    for engine in list(_engines.values()):
        engine.close()


def _after_fork() -> None:
    for engine in _engines.values():
        engine.leak_after_fork()
    _engines.clear()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
