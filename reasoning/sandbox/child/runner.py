"""The runner of one program, in its own process.

This is the only place of the project that executes code.

The process belongs to the program, which can read and replace everything here. So its output is not
trusted: the host (`reasoning.sandbox.protocol`) accepts bounded frames and parses text.

This file uses the standard library only, because a container receives it as text.

A frame is one letter for its kind, four bytes for the length (big-endian), and a text in UTF-8.
    to the program     j the job   a the return value of a function   x a function rejects the call
    from the program   b it begins   o printed text   l the number of characters left out   c a call of a function
                       v the value   p read the last printed line   n no value   m a missing name   e an error
"""

from __future__ import annotations

import ast
import builtins
import numbers
import os
import sys
import traceback
import types
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

PROGRAM = "<program>"
# Characters that are kept of a long output's end.
_TAIL = 1000
# The maximum nesting of data.
_DEPTH = 100
_SEQUENCES: tuple[type, ...] = (
    list,
    tuple,
    set,
    frozenset,
    range,
    deque,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
)


def main(reading: int, writing: int) -> NoReturn:
    """Read a job, run it, send its outcome, and end the process."""
    try:
        kind, text = _receive(reading)
        assert kind == "j"
        _Run(ast.literal_eval(text), reading, writing).run()
    finally:
        os._exit(0)


def end_with(reading: int, seconds: int) -> None:
    """End this process when the other end of the pipe closes. A container outlives its client.

    Args:
        reading: the file descriptor of the pipe.
        seconds: processor time after which it ends in any case: a program in C lets no thread run.
    """
    import resource
    import select
    import threading

    def wait() -> None:
        poll = select.poll()
        poll.register(reading, 0)  # only its end: the main thread reads what arrives
        poll.poll()
        os._exit(1)

    used = int(sum(os.times()[:2])) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, used + seconds))

    threading.Thread(target=wait, daemon=True).start()


class _Run:
    """One job: a dict of code, places, inputs, functions, recursion and output_chars."""

    def __init__(self, job: dict[str, Any], reading: int, writing: int) -> None:
        self.job = job
        self.reading = reading
        self.writing = writing
        self.room: int = job["output_chars"]
        self.tail = ""
        self.lost = 0
        self.printed = False

    def run(self) -> None:
        kind, text = self._outcome()
        if self.lost:
            self.send("l", str(self.lost))
        if self.tail:
            self.send("o", self.tail)
        self.send(kind, text)

    def _outcome(self) -> tuple[str, str]:
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main  # dataclasses and others look up their module
        scope = main.__dict__
        scope["__builtins__"] = builtins
        scope.update(self.job["inputs"])
        for name in self.job["functions"]:
            scope[name] = self._function(name)
        sys.stdout = _Stream(self.write)
        sys.stderr = _Stream(len)
        _settle()
        self.send("b", "")
        sys.setrecursionlimit(self.job["recursion"] + 10)
        try:
            try:
                code = compile(self.job["code"], PROGRAM, "exec", dont_inherit=True)
                exec(code, scope)  # noqa: S102 - in a process of its own, locked down before
            except SystemExit as ended:
                if ended.code:
                    raise
            return self._read(scope)
        except BaseException as error:
            return "e", _describe(error)

    def _read(self, scope: dict[str, Any]) -> tuple[str, str]:
        missing = ""
        for place in self.job["places"]:
            if place is None:
                if self.printed:
                    return "p", ""
                continue
            name = place.removesuffix("()")
            if name not in scope:
                missing = missing or place
                continue
            value = scope[name]
            if place != name:
                value = value()
            if value is not None:
                sys.setrecursionlimit(self.job["recursion"] + 1000)
                text = repr(_PlainConverter("the result", self.job["output_chars"]).of(value))
                return "v", text[: self.job["output_chars"]]  # the host process reads no more
        return ("m", missing) if missing else ("n", "")

    def write(self, text: str) -> int:
        self.printed = self.printed or bool(text.strip())
        if kept := text[: self.room]:
            self.room -= len(kept)
            self.send("o", kept)
        if rest := self.tail + text[len(kept) :]:
            self.tail = rest[-_TAIL:]
            self.lost += len(rest) - len(self.tail)
        return len(text)

    def send(self, kind: str, text: str) -> None:
        data = text.encode(errors="replace")
        data = kind.encode() + len(data).to_bytes(4, "big") + data
        while data:
            data = data[os.write(self.writing, data) :]

    def _function(self, name: str) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            given = _PlainConverter(f"what {name} is given", self.job["output_chars"]).of((args, kwargs))
            self.send("c", f"{name}\n{given!r}")
            kind, text = _receive(self.reading)
            if kind == "x":
                raise TypeError(text)
            return ast.literal_eval(text)

        function.__name__ = function.__qualname__ = name
        return function


class _Stream:
    """A replacement for standard output and standard error."""

    encoding = "utf-8"
    closed = False

    def __init__(self, write: Callable[[str], int]) -> None:
        self._write = write

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        return self._write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


class _NotPlainData(TypeError):
    """A value that is not plain data. The message is for a model to read."""


class _PlainConverter:
    """Converts values to plain data: numbers of numpy and sympy, dates, sets, matrices.

    Args:
        what: a name of the value for the message.
        room: the maximum number of items and characters.
    """

    def __init__(self, what: str, room: int) -> None:
        self.what = what
        self.limit = self.room = room

    def of(self, value: Any, depth: int = 0) -> Any:
        self._take(len(value) if isinstance(value, str) else 1)
        if depth > _DEPTH:
            raise _NotPlainData(f"{self.what} is not plain data: it is nested too deep")
        if value is None:
            return None
        for kind in (bool, int, float, str):  # subclasses too, such as numpy's floats
            if isinstance(value, kind):
                return kind(value) if type(value) is not kind else value
        if isinstance(value, dict):
            items = value.most_common() if isinstance(value, Counter) else list(value.items())  # as it is written out
            return {self._key(key, depth): self.of(item, depth + 1) for key, item in items}
        if isinstance(value, _SEQUENCES) or hasattr(value, "__next__"):
            return self._items(value, depth)
        return self._special(value, depth)

    def _take(self, room: int) -> None:
        self.room -= room
        if self.room < 0:
            raise _NotPlainData(f"{self.what} is longer than {self.limit} characters")

    def _items(self, items: Iterable[Any], depth: int) -> list[Any]:
        plain = [self.of(item, depth + 1) for item in items]
        # The order of a set differs from run to run.
        return sorted(plain, key=_order) if isinstance(items, set | frozenset) else plain

    def _key(self, key: Any, depth: int) -> Any:
        return repr(self._items_of_key(key, depth)) if isinstance(key, tuple | frozenset) else self.of(key, depth + 1)

    def _items_of_key(self, key: Any, depth: int) -> Any:
        if not isinstance(key, tuple | frozenset):
            return self.of(key, depth + 1)
        items = [self._items_of_key(item, depth + 1) for item in key]
        return tuple(items) if isinstance(key, tuple) else frozenset(items)

    def _special(self, value: Any, depth: int) -> Any:
        match type(value).__module__.partition(".")[0]:
            case "numpy" if hasattr(value, "tolist"):
                self._take(value.size)
                return self.of(value.tolist(), depth)
            case "fractions" | "decimal":
                return _number(value)
            case "datetime" | "dateutil":
                return value.isoformat() if hasattr(value, "isoformat") else str(value)
            case "sympy" | "mpmath":
                return self._symbolic(value, depth)
        raise _NotPlainData(f"{self.what} is not plain data: {value!r:.80}")

    def _symbolic(self, value: Any, depth: int) -> Any:
        if type(value).__name__ in ("BooleanTrue", "BooleanFalse"):
            return bool(value)
        if hasattr(value, "tolist"):  # a matrix
            return self._items(value.tolist(), depth)
        if getattr(value, "is_number", True):
            try:
                return _number(value)
            except (TypeError, ValueError):  # complex, or not a number
                return str(value)
        return self._items(value, depth) if isinstance(value, Iterable) else str(value)


def _order(item: Any) -> tuple[bool, float, str]:
    number = isinstance(item, int | float)
    return not number, item if number else 0, str(item)


def _number(value: Any) -> int | float:
    if isinstance(value, numbers.Rational):
        return int(value.numerator) if value.denominator == 1 else int(value.numerator) / int(value.denominator)
    return float(value)


def _settle() -> None:
    """Make results reproducible and sleeping instant."""
    import random
    import time

    random.seed(0)
    time.sleep = lambda seconds, /: None
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)


def _describe(error: BaseException) -> str:
    """Return the error on one line, and on a second one the program's line number."""
    if isinstance(error, _NotPlainData):
        return f"{error}\n"
    if isinstance(error, SyntaxError) and error.filename == PROGRAM:
        return f"{type(error).__name__}: {error.msg}\n{error.lineno or ''}"
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == PROGRAM]
    name = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__[:1] != "_")  # numpy's _ArrayMemoryError
    words = str(error)[:2000].replace("\n", " ")
    return f"{name}: {words}\n{lines[-1] if lines else ''}"


def _receive(reading: int) -> tuple[str, str]:
    head = _take(reading, 5)
    return head[:1].decode(), _take(reading, int.from_bytes(head[1:], "big")).decode()


def _take(reading: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = os.read(reading, size - len(data))
        if not part:
            os._exit(1)
        data += part
    return data
