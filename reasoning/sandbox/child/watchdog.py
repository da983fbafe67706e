"""The watchdog: a process that kills Monty's workers when the process that started them ends.

A worker that computes does not notice that its parent is gone, and Monty starts its workers from
threads, so that a parent-death signal would arrive when the thread ends. This process does notice:
its pipe closes, even after `kill -9`. It is run as a file, with the standard library only.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys


def main(pipe: int) -> None:
    """Read the process ids of workers, one on each line, and kill these processes at the end.

    Args:
        pipe: the file descriptor that the host process writes to, and holds open while it lives.
    """
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    # A child that the host process has forked keeps the pipe open; the host's handle tells the end.
    host = _open_handle(os.getppid())
    if host is not None:
        poll.register(host, select.POLLIN)
    workers: dict[int, int | None] = {}
    unread = b""
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if pipe in ready or host in ready:
            os.set_blocking(pipe, False)
            with contextlib.suppress(BlockingIOError):
                while data := os.read(pipe, 65536):
                    *lines, unread = (unread + data).split(b"\n")
                    for pid in map(int, lines):
                        workers[pid] = handle = _open_handle(pid)
                        if handle is not None:
                            poll.register(handle, select.POLLIN)
                break  # the host process has closed it
            if host in ready:
                break
        for pid, handle in list(workers.items()):
            if handle in ready:  # the worker has ended: its number may be another process's soon
                poll.unregister(handle)
                os.close(handle)
                del workers[pid]
    for pid, handle in workers.items():
        with contextlib.suppress(OSError):
            if handle is not None:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            elif _is_worker(pid):
                os.kill(pid, signal.SIGKILL)


def _open_handle(pid: int) -> int | None:
    """Return a handle that can never refer to another process, or None without one."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):  # it has ended, or this is not Linux
        return None


def _is_worker(pid: int) -> bool:
    import subprocess

    listing = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "monty" in listing.stdout


if __name__ == "__main__":
    main(int(sys.argv[1]))
