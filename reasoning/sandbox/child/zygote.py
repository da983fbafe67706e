"""The server process that programs are forked from.

It has the scientific packages loaded, and of this project only `reasoning.sandbox.child`. It
receives sockets, and nothing else, over one control socket. For each socket it forks a process,
which reads its job from that socket. When the host process ends or closes the control socket, the
server ends, and its children with it.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

from reasoning.sandbox.child import lockdown, runner

# Submodules that programs use. Without this each program would load them from disk.
_SUBMODULES = {
    "numpy": ("numpy.linalg", "numpy.fft", "numpy.random", "numpy.polynomial"),
    "sympy": ("sympy.abc", "sympy.stats", "sympy.solvers.solveset"),
    "dateutil": ("dateutil.parser", "dateutil.relativedelta", "dateutil.rrule", "dateutil.tz"),
}
_DATA_FOLDERS = ("/usr/share/zoneinfo",)
REQUEST = 64
"""The size of a request on the control socket, in bytes: the limits as text, padded."""


def main(control: int, options: str) -> None:
    """Serve while the control socket is open.

    Args:
        control: the file descriptor of the control socket.
        options: the text of a dict: root (the folder of our package), folders (of the packages),
            packages, modules.
    """
    settings: dict[str, Any] = ast.literal_eval(options)
    with socket.socket(fileno=control) as socket_:
        host = _open_handle(os.getppid())
        try:
            started = _start(settings)
        except Exception as error:
            socket_.sendall(f"{ ({'failed': f'{type(error).__name__}: {error}'[:500]})!r}\n".encode())
            return
        memory = started.pop("memory")
        socket_.sendall(f"{started!r}\n".encode())
        _serve(socket_, memory, host)


def _start(settings: dict[str, Any]) -> dict[str, Any]:
    """Load the packages, then lock this process. Returns the status for the host process."""
    sys.path.remove(settings["root"])
    sys.path[:] = [os.path.realpath(path) for path in sys.path if os.path.isdir(path)]
    library = list(sys.path)
    sys.path.extend(settings["folders"])
    packages = [name for name in settings["packages"] if _loads(name)]
    for module in (*settings["modules"], *(part for name in packages for part in _SUBMODULES.get(name, ()))):
        _loads(module)
    del sys.path[len(library) :]
    _warm_up(packages)
    os.environ.clear()
    readable = [*_files(library), *_DATA_FOLDERS]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the children
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    memory = lockdown.address_space()
    _enter_empty_folder()
    means = lockdown.lock_server(readable)
    gc.collect()
    gc.freeze()  # otherwise each child would copy the loaded pages to look for garbage
    broken = _try_out()
    if memory is None:
        broken.append("memory")
    else:
        means["memory"] = "a limit of the address space"
    return {"packages": packages, "means": means, "broken": broken, "memory": memory}


def _loads(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception:  # not installed, or broken: a program that imports it sees the reason
        return False
    return True


def _warm_up(packages: list[str]) -> None:
    """Do once what the packages load and compute on first use."""
    if "sympy" in packages:
        sympy = importlib.import_module("sympy")
        x, y = sympy.symbols("x y")
        sympy.solve(sympy.Eq(x**2, 2), x, dict=True)
        sympy.solve([sympy.Eq(3 * x + 2, 7), sympy.Eq(x - y, 1)], [x, y])
        sympy.simplify(sympy.sin(x) ** 2 + sympy.cos(x) ** 2)


def _files(library: list[str]) -> Iterator[str]:
    """Yield the readable files and folders: the standard library and the loaded packages."""
    for folder in library:
        for entry in os.scandir(folder):
            if entry.name not in ("site-packages", "dist-packages"):
                yield entry.path
    for name in {name.partition(".")[0] for name in sys.modules}:
        file = getattr(sys.modules.get(name), "__file__", None)
        if name in ("reasoning", "__main__") or not file or os.path.dirname(os.path.realpath(file)) in library:
            continue
        if os.path.basename(file) == "__init__.py":
            yield (folder := os.path.dirname(file))
            yield f"{folder}.libs"  # shared libraries that a wheel contains
        else:
            yield file


def _enter_empty_folder() -> None:
    """Change to a removed folder: it is empty, and nothing can ever be created in it."""
    import tempfile

    folder = tempfile.mkdtemp(prefix="reasoning-")
    os.chdir(folder)
    os.rmdir(folder)


def _try_out() -> list[str]:
    """Return the guarantees that do not hold in a child, as tested in one."""
    reading, writing = os.pipe()
    if not os.fork():
        lockdown.lock_program(5, None)
        os.write(writing, repr(lockdown.find_unenforced()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        found = pipe.read()
    return list(ast.literal_eval(found)) if found else ["everything"]


def _open_handle(pid: int) -> int | None:
    """Return a handle of a process, or None if this system has none."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return None


def _serve(control: socket.socket, memory: int | None, host: int | None) -> None:
    server = os.getpid()
    poll = select.poll()
    poll.register(control, select.POLLIN)
    if host is not None:  # a child that the host process has forked keeps the control socket open
        poll.register(host, select.POLLIN)
    while True:
        if any(descriptor == host for descriptor, _ in poll.poll()):
            return
        request, descriptors, _, _ = socket.recv_fds(control, REQUEST, 1)
        if not request:
            return
        seconds, more = ast.literal_eval(request.decode().strip())
        with socket.socket(fileno=descriptors[0]) as job:
            if child := os.fork():
                _hand_over(job, child)
                continue
            control.close()
            if host is not None:
                os.close(host)
            lockdown.lock_program(seconds, None if memory is None else memory + more)
            if os.getppid() != server:  # it has ended before this process asked to end with it
                os._exit(1)
            runner.main(job.fileno(), job.fileno())


def _hand_over(job: socket.socket, child: int) -> None:
    """Send the host process a handle that can kill the child, before the child has a program."""
    with contextlib.suppress(OSError):  # the host has gone: the child sees that too, and ends
        word = b"%d\n" % child
        handle = _open_handle(child)
        if handle is None:
            job.sendall(word)
            return
        try:
            socket.send_fds(job, [word], [handle])
        finally:
            os.close(handle)
