"""llama.cpp servers in this process, one for each file of weights, on loopback."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import http.client
import importlib.util
import json
import os
import secrets
import shutil
import socket
import tempfile
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reasoning.errors import MissingExtra, UsageError, WeightsError
from reasoning.providers.adapters import GGUF, Adapter
from reasoning.providers.llama_cpp.cpu import choose_layout
from reasoning.providers.llama_cpp.gguf_header import GGUFHeader
from reasoning.providers.llama_cpp.prefix_cache import PrefixCache
from reasoning.providers.llama_cpp.slot_pool import SlotPool
from reasoning.providers.openmp import short_waits

# Decoding is limited by memory bandwidth, so more threads would only take cores from other work.
_MAX_THREADS = 8

EMBEDDING_TOKENS = 512
"""The tokens of a text that are embedded at most.

The memory for a batch grows with them: by 0.6 MB a token if the vocabulary has 150,000 entries.
"""
_EMBEDDING_SLOTS = 4
_MEAN_POOLING = 1

_servers: dict[tuple[Path, bool], LlamaServer] = {}
_lock = threading.Lock()
_started = _unusable = False


class LlamaServer:
    """A llama.cpp server with one file of weights, and the adapters that its clients use.

    llama.cpp loads adapters only together with the weights. All adapters of a file share one server nevertheless,
    which is loaded again when a client brings another one: that takes a second per gigabyte, while a server for each
    adapter would hold the caches of all slots again, 0.2 GB at 0.5 B parameters. Each request states the adapters
    that it uses.

    Attributes:
        path: the weights.
        adapters: the hashes of the adapters, in llama.cpp's order.
        embeds: whether it computes embeddings instead of replies.
        layout: how many parallel sequences it has, and their context.
        address: the base URL.
        key: the bearer token of the server.
        slots: the pool of its parallel sequences.
        prefixes: the cache of computed prefixes.
        trained_context: the context that the model was trained for, in tokens.
        takes_tools: whether the chat template of the weights shows the model which tools it has.
        users: the number of clients that share the server.
    """

    def __init__(self, path: Path, *, embeds: bool = False) -> None:
        self.path, self.embeds = path, embeds
        self.adapters: tuple[str, ...] = ()
        self.key = secrets.token_urlsafe(32)
        self.address = ""
        self._header = GGUFHeader(path)
        self.layout = choose_layout(_size(path), self._header.cache_bytes, _free_memory())
        self.slots = SlotPool(_EMBEDDING_SLOTS if embeds else self.layout.slots)
        self.prefixes = PrefixCache(Path())
        self.trained_context = self.layout.context
        self.takes_tools = False
        self.users = 0
        self._server: Any = None
        self._loading, self._connecting = threading.Lock(), threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    @property
    def context(self) -> int:
        """The context of one request, prompt and answer together, in tokens."""
        return self.layout.context // self.slots.count

    @property
    def max_context(self) -> int:
        """The longest possible context of one request, in tokens."""
        return min(self.layout.context, self.trained_context)

    @property
    def loaded(self) -> bool:
        """True while the server runs and has its folder of saved prefixes."""
        return self._server is not None

    def load(self, adapters: Sequence[Adapter] = ()) -> None:
        """Load the weights and start the server, unless it runs; takes about a second per gigabyte.

        Args:
            adapters: the adapters to load with them. If the server runs, `add_adapters` adds them.

        Raises:
            MissingExtra: xllamacpp is not installed.
            WeightsError: llama.cpp cannot load the file.
            InputError: the file of an adapter is missing or damaged.
        """
        with self._loading:
            if self._server is None:
                self.prefixes.folder = Path(tempfile.mkdtemp(prefix="reasoning-"))
                try:
                    self.adapters = self._copy(adapters)
                    self._serve()
                except BaseException:
                    self._stop()
                    shutil.rmtree(self.prefixes.folder, ignore_errors=True)
                    raise

    def reload(self, tokens: int) -> None:
        """Load again with fewer slots of at least `tokens` each. No slot may be in use."""
        with self._loading:
            count = self.slots.count
            while count > 1 and self.layout.context // count < tokens:
                count //= 2
            self.slots.reset(count)
            self._stop()
            self._serve()

    def add_adapters(self, adapters: Sequence[Adapter]) -> None:
        """Load again with these adapters, too, unless it has them. No slot may be in use.

        Raises:
            WeightsError: llama.cpp cannot load an adapter; the server then runs without it.
            InputError: the file of an adapter is missing or damaged.
        """
        with self._loading:
            before = self.adapters
            new = [adapter for adapter in adapters if adapter.sha256 not in before]
            if not new:
                return
            added = self._copy(new)
            self._stop()
            try:
                self.adapters = before + added
                self._serve()
            except WeightsError:
                self.adapters = before
                self._serve()
                raise

    def close(self) -> None:
        """Free the port and the memory; takes up to a second while a request runs."""
        with self._loading:
            if self._server is not None:
                self._stop()
                shutil.rmtree(self.prefixes.folder, ignore_errors=True)

    def connect(self, address: Any) -> socket.socket:
        """Return a socket for a connection to the server (aiohttp's `socket_factory`)."""
        with self._connecting:
            if self._server is None:
                raise ConnectionRefusedError
            connection = socket.socket(*address[:3])
            self._sockets.add(connection)
            return connection

    def leak_after_fork(self) -> None:
        """Never run the destructor in a forked child: it would wait for missing threads."""
        if self._server is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))

    def _serve(self) -> None:
        xllamacpp = _library()
        settings = xllamacpp.CommonParams()
        settings.model.path = str(self.path)
        settings.n_parallel = self.slots.count
        settings.n_ctx = self.layout.context
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads()
        settings.cache_ram_mib = 0  # no copies of idle slots: PrefixCache keeps prefixes
        settings.warmup = False
        if self.layout.flash_attention is not None:
            settings.flash_attn_type = xllamacpp.llama_flash_attn_type(int(self.layout.flash_attention))
        settings.verbosity = 0
        settings.ui = False
        settings.hostnames = ["127.0.0.1"]
        settings.port = 0
        settings.api_keys = [self.key]
        settings.endpoint_slots = True
        settings.slot_save_path = f"{self.prefixes.folder}{os.sep}"
        if self.embeds:
            self._set_embedding(settings)
        # With the scale 0 no adapter is applied by default. `lora_init_without_apply` would leave it at 1.
        settings.lora_adapters = [
            xllamacpp.CommonAdapterLoraInfo(str(self._adapter_file(digest)), 0.0) for digest in self.adapters
        ]
        global _started
        _started = True
        try:
            self._server = xllamacpp.Server(settings)
        except RuntimeError:
            if self.adapters:
                raise WeightsError(
                    f"{self.path} cannot be loaded with its adapters: one of them is of a kind that this llama.cpp "
                    "does not know; train it again, or merge it with `reasoning tune merge`"
                ) from None
            raise WeightsError(
                f"{self.path} cannot be loaded: it is damaged, or of a kind that this llama.cpp does not know; "
                "download it again, or choose another file with --model local:FILE.gguf"
            ) from None
        self.address = self._server.listening_address
        self.trained_context = self._ask("/v1/models")["data"][0]["meta"]["n_ctx_train"]
        if not self.embeds:
            self.takes_tools = self._ask("/props")["chat_template_caps"]["supports_tools"]
        # The main loop answers this request. It must run before the destructor may run, which would
        # wait forever.
        self._ask("/slots")

    def _copy(self, adapters: Sequence[Adapter]) -> tuple[str, ...]:
        """Copy the files of adapters, which may be trained again under the same name while the server runs."""
        for adapter in adapters:
            file = self._adapter_file(adapter.sha256)
            with contextlib.suppress(OSError):  # `verify_file` says what is wrong
                shutil.copyfile(adapter.gguf, file)
            adapter.verify_file(GGUF, file)
        return tuple(adapter.sha256 for adapter in adapters)

    def _adapter_file(self, digest: str) -> Path:
        return self.prefixes.folder / f"{digest}.gguf"

    def _set_embedding(self, settings: Any) -> None:
        settings.embedding = True
        settings.n_ctx = _EMBEDDING_SLOTS * EMBEDDING_TOKENS
        # A text must fit into one batch.
        settings.n_batch = settings.n_ubatch = EMBEDDING_TOKENS
        if not self._header.states_pooling:
            # A language model does not say how, and without pooling there is no vector of a text.
            settings.pooling_type = _MEAN_POOLING

    def _ask(self, path: str) -> Any:
        host, _, port = self.address.removeprefix("http://").rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.key}"})
            return json.load(connection.getresponse())

    def _stop(self) -> None:
        with self._connecting:
            for connection in self._sockets:  # the destructor waits for requests with an open connection
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._server = None


def check_installed() -> None:
    """Raise MissingExtra if xllamacpp is not installed: before a download that would be of no use."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise _missing()


def acquire(path: Path, *, embeds: bool = False) -> LlamaServer:
    """Return the server of a file, one for the whole process; give it back with `release`.

    Args:
        path: the weights.
        embeds: whether it computes embeddings; such a server is another one, which shares the
            memory of the weights.

    Raises:
        UsageError: this process was forked from one that had used a local model.
    """
    if _unusable:
        # llama.cpp computes with threads of OpenMP, which hang in a forked process.
        raise UsageError(
            "a local model cannot be used in a process that was forked after its parent has used one: "
            "start processes with multiprocessing.get_context('spawn'), or connect only after the fork"
        )
    path = path.resolve()
    with _lock:
        server = _servers.get((path, embeds))
        if server is None:
            server = _servers[path, embeds] = LlamaServer(path, embeds=embeds)
        server.users += 1
        return server


def release(server: LlamaServer) -> None:
    """Give a server back. The last client closes it."""
    with _lock:
        server.users -= 1
        if server.users:
            return
        _servers.pop((server.path, server.embeds), None)
    server.close()


def remove_files() -> None:
    """Remove the servers' files on disk, for a process that exits without closing anything."""
    for server in list(_servers.values()):
        if server.loaded:
            shutil.rmtree(server.prefixes.folder, ignore_errors=True)


def threads() -> int:
    """Return the number of decoding threads: the physical cores, since two per core are slower."""
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # not Linux
        return min(os.cpu_count() or 2, _MAX_THREADS)
    cores = set()
    for cpu in allowed:
        try:
            cores.add(Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text())
        except OSError:
            cores.add(str(cpu))
    return max(1, min(len(cores), _quota(), _MAX_THREADS))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:  # `load` says what is wrong with the file
        return None


def _free_memory() -> int | None:
    """Return the memory that programs may still take in bytes; None where the system does not tell."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _quota() -> int:
    """Return the whole cores that a container's CPU limit leaves."""
    try:
        quota, _, period = Path("/sys/fs/cgroup/cpu.max").read_text().partition(" ")
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):  # no limit
        return _MAX_THREADS


def _library() -> Any:
    try:
        with short_waits():
            import xllamacpp
    except ImportError:
        raise _missing() from None
    return xllamacpp


def _missing() -> MissingExtra:
    return MissingExtra("a local model", "local", "xllamacpp")


def _close_all() -> None:
    for server in list(_servers.values()):
        server.close()


def _after_fork() -> None:
    global _lock, _unusable
    for server in _servers.values():
        server.leak_after_fork()
    _servers.clear()
    _lock, _unusable = threading.Lock(), _started


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
