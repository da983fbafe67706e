"""Ctrl-C, SIGTERM and SIGHUP: a thread ends the command, whatever the main thread does at that moment.

The usual KeyboardInterrupt is raised between two instructions of the main thread. It is lost in a
callback or a finalizer, it waits while the main thread waits for a lock, and libraries turn it into
errors of their own. Here the main thread receives nothing. The interpreter's signal handler writes
the signal's number to a pipe, and a thread that reads the pipe cancels the calls in progress. The
synchronous call that the main thread waits in raises KeyboardInterrupt, so that its `finally`
blocks run. If the main thread is elsewhere, there is nothing to finish: every result is on the disk.
After a second the thread ends the process in any case, and at a second signal at once.

This module imports only the standard library, so that it is installed before the imports that take time.
"""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import NoReturn

INTERRUPTED = 130
"""The exit code after Ctrl-C, as in shells, and after SIGTERM and SIGHUP."""
_GRACE = 0.7
"""Seconds after which the process ends even if the main thread is not ready."""
_SPEAKING_SECONDS = 0.2
"""Seconds that a thread may take to say how to continue."""
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]

_kept = ""
_quiet = False
_stop: Callable[[], object] | None = None
_requested = threading.Event()
_finishing = threading.Lock()
_spoken = threading.Lock()
_pipe: tuple[int, int] | None = None


def install() -> None:
    """End this process in order at the first signal, and at once at the second.

    A signal that the process was started to ignore (`nohup`, `&` in a script) stays ignored. Call
    this from the main thread.
    """
    global _pipe
    handled = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    _pipe = os.pipe()
    if sys.platform != "win32":
        os.set_blocking(_pipe[1], False)
    signal.set_wakeup_fd(_pipe[1], warn_on_full_buffer=False)
    for number in handled:
        signal.signal(number, _do_nothing)
    threading.Thread(target=_watch, args=(_pipe[0], handled), name="reasoning-signals", daemon=True).start()
    # The first to be registered runs last.
    atexit.register(_ignore_signals)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_reset_after_fork)


def keep(what: str) -> None:
    """Set what is kept if the command is interrupted from now on, such as "the results are kept in DIR"."""
    global _kept
    _kept = what


def leave_quietly() -> None:
    """Let an interrupt end the command without a word, since that is how it ends: a server, which keeps nothing."""
    global _quiet
    _quiet = True


def call_instead(stop: Callable[[], object]) -> None:
    """Call a function at the first signal, in another thread, instead of ending the command: it ends itself.

    The second signal ends it at once.
    """
    global _stop
    _stop = stop


def requested() -> bool:
    """Return whether a signal has arrived."""
    return _requested.is_set()


def finish() -> NoReturn:
    """End the interrupted process: write what has been received, and say how to continue.

    It does not wait for calls in flight, nor for a local model to finish computing.
    """
    if not _finishing.acquire(blocking=False):
        # Another thread is ending the process.
        while True:
            time.sleep(1)
    if journal := sys.modules.get("reasoning.journal.writer"):
        journal.writer.pause()
    if server := sys.modules.get("reasoning.providers.llama_cpp.server"):
        server.remove_files()
    if sys.stdout is not None:
        sys.stdout.flush()
    _leave()


def command_line(options: Mapping[str, str] | None = None) -> str:
    """Return the running command as it would be typed again, with a mask for each key in it.

    Args:
        options: options that it would have instead of its own, such as `{"--budget-calls": "200"}`.
    """
    scan = sys.modules.get("reasoning.secret_scan")
    if not hasattr(scan, "mask_secrets"):
        # A signal arrived before it was imported, so that only the names of commands are known to be no keys.
        return " ".join(["reasoning", *takewhile(str.isalpha, sys.argv[1:3]), "…"])
    assert scan is not None
    arguments = _replace_options(sys.argv[1:], options or {})
    words = (scan.mask_path(word) if "://" in word else word for word in arguments)
    return str(scan.mask_secrets(shlex.join(["reasoning", *words])))


def _replace_options(arguments: Sequence[str], options: Mapping[str, str]) -> list[str]:
    """Return arguments in which each of these options has its new value, in its place or at the end."""
    words, given = list(arguments), dict(options)
    end = words.index("--") if "--" in words else len(words)
    for place, word in enumerate(words[:end]):
        name, equals, _ = word.partition("=")
        if name in options:
            value = given.pop(name, options[name])
            words[place if equals else place + 1 : place + 1 if equals else place + 2] = [
                f"{name}={value}" if equals else value
            ]
    words[end:end] = [part for pair in given.items() for part in pair]
    return words


def _do_nothing(number: int, frame: object) -> None:
    """Receive a signal in the main thread; the interpreter has written its number to the pipe."""


def _watch(pipe: int, handled: list[int]) -> None:
    while os.read(pipe, 1)[0] not in handled:
        continue
    if _stop is not None:
        # The event loop that it wakes may have ended.
        with suppress(RuntimeError):
            _stop()
        while os.read(pipe, 1)[0] not in handled:
            continue
        _leave()
    _requested.set()
    try:
        threading.Thread(target=_leave_after_grace, daemon=True).start()
        threading.Thread(target=_finish_or_interrupt, daemon=True).start()
    except RuntimeError:
        # No further thread can be started.
        _leave()
    while os.read(pipe, 1)[0] not in handled:
        continue
    _leave()


def _finish_or_interrupt() -> None:
    """Interrupt the main thread if it waits in a synchronous call; otherwise end the process."""
    interrupt = getattr(sys.modules.get("reasoning.event_loop"), "interrupt", None)
    if interrupt is None or not interrupt():
        finish()


def _leave_after_grace() -> None:
    time.sleep(_GRACE)
    _leave()


def _leave() -> NoReturn:
    """Say how to continue, once, and end the process without any cleanup."""
    # Another thread that is saying it ends the process, unless it is blocked since nothing reads standard error.
    if not _quiet and _spoken.acquire(timeout=_SPEAKING_SECONDS):
        text = f"stopped; {_kept}\ncontinue with" if _kept else "stopped\nrun again with"
        text = f"{text}: {command_line()}"
        printable = "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)
        show_cursor = "\x1b[?25h" if sys.stderr is not None and sys.stderr.isatty() else ""
        # An error means that standard error is closed.
        with suppress(OSError):
            os.write(2, f"{show_cursor}\n{printable}\n".encode())
    if remove_temporary := getattr(sys.modules.get("reasoning.files"), "remove_temporary", None):
        remove_temporary()
    os._exit(INTERRUPTED)


def _ignore_signals() -> None:
    """Ignore signals while the interpreter is taken down: everything is done."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _reset_after_fork() -> None:
    """Restore Python's handlers in a child process, whose signals would reach its parent through the pipe."""
    global _pipe
    if _pipe is not None:
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            if signal.getsignal(number) is _do_nothing:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        for end in _pipe:
            os.close(end)
        _pipe = None
        atexit.unregister(_ignore_signals)
