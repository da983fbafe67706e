"""The host side of the protocol with a process that runs a program.

That process may send anything at any time. So the size of each frame and the total size of all
frames are limited, and every wait has a deadline. `reasoning.sandbox.child.runner` lists the kinds
of frames.
"""

from __future__ import annotations

import os
import select
import time
from dataclasses import replace

from reasoning.errors import UsageError
from reasoning.sandbox import literals
from reasoning.sandbox.captured_output import CapturedOutput
from reasoning.sandbox.code_extraction import bind_last_expression, last_assigned
from reasoning.sandbox.execution import ExecutionResult, ResultSource
from reasoning.sandbox.host_functions import CallRejected
from reasoning.sandbox.job import Job
from reasoning.sandbox.monty_errors import NOT_SET, describe_error

_EXPRESSION = "__value__"
_HEADER_BYTES = 5


class ProgramChannel:
    """The exchange of frames with the process of one program.

    Args:
        reading: a non-blocking file descriptor.
        writing: another one, or the same.
        job: the program to run.
        tier: the name of the tier, for the result.
        start_up: seconds that the process may take until the program begins.
    """

    def __init__(self, read_fd: int, write_fd: int, job: Job, tier: str, *, start_up: float = 10.0) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._job = job
        self._tier = tier
        self._output = CapturedOutput(job.limits.output_chars)
        self._buffer = bytearray()
        self._max_frame = 4 * job.limits.output_chars + 4000  # bytes, in UTF-8
        self._bytes_left = 4 * self._max_frame
        self._started = 0.0
        self._deadline = time.perf_counter() + start_up

    def run(self) -> ExecutionResult:
        """Run the program and read its result; the caller ends the process afterwards.

        Raises:
            UsageError: the inputs are not plain data.
            BaseException: the exception of a host function.
        """
        text = _serialize(self._job)
        try:
            self._send("j", text)
            if self._receive()[0] != "b":
                raise _ProtocolError
            self._started = time.perf_counter()
            self._deadline = self._started + self._job.limits.seconds - self._job.seconds_used
            execution = self._exchange()
        except TimeoutError:
            execution = ExecutionResult(error=f"timed out after {self._job.limits.seconds:g} s")
        except (EOFError, BrokenPipeError, ConnectionError):
            execution = ExecutionResult(error="the program crashed its process")
        except _ProtocolError:
            execution = ExecutionResult(error="the program tampered with its process")
        seconds = time.perf_counter() - self._started if self._started else 0.0
        return replace(execution, stdout=self._output.text, seconds=seconds, tier=self._tier)

    def _exchange(self) -> ExecutionResult:
        limits = self._job.limits
        while True:
            kind, text = self._receive()
            match kind:
                case "o":
                    self._output("stdout", text)
                case "l":
                    self._output.skip(int(text) if text.isdecimal() and len(text) < 20 else 0)
                case "c":
                    self._answer(*text.partition("\n")[::2])
                case "v":
                    return literals.parse_result(text, limits)
                case "p":
                    line = self._output.last_line()
                    return ExecutionResult(None if line is None else literals.parse_printed(line))
                case "n":
                    return ExecutionResult()
                case "m":
                    return ExecutionResult(error=f"{NOT_SET} {text[:100]}")
                case "e":
                    message, _, line = text.rpartition("\n")
                    return ExecutionResult(
                        error=describe_error(message, int(line[:9]) if line.isdecimal() else None, limits)
                    )
                case _:
                    raise _ProtocolError

    def _answer(self, name: str, arguments: str) -> None:
        started = time.perf_counter()
        try:
            kind, text = "a", repr(self._job.host_functions.call(name, arguments))
        except CallRejected as error:
            kind, text = "x", str(error)
        self._bytes_left += self._max_frame
        self._deadline += time.perf_counter() - started
        self._send(kind, text)

    def _receive(self) -> tuple[str, str]:
        header = self._read_bytes(_HEADER_BYTES)
        size = int.from_bytes(header[1:], "big")
        if size > self._max_frame:
            raise _ProtocolError
        return chr(header[0]), self._read_bytes(size).decode(errors="replace")

    def _read_bytes(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._wait(self._read_fd, select.POLLIN)
            try:
                part = os.read(self._read_fd, 65536)
            except BlockingIOError:
                continue
            if not part:
                raise EOFError
            self._bytes_left -= len(part)
            if self._bytes_left < 0:
                raise _ProtocolError
            self._buffer += part
        result = bytes(self._buffer[:size])
        del self._buffer[:size]
        return result

    def _send(self, kind: str, text: str) -> None:
        data = memoryview(text.encode())
        data = memoryview(kind.encode() + len(data).to_bytes(4, "big") + data)
        while data:
            self._wait(self._write_fd, select.POLLOUT)
            try:
                data = data[os.write(self._write_fd, data) :]
            except BlockingIOError:
                continue

    def _wait(self, descriptor: int, event: int) -> None:
        if (seconds_left := self._deadline - time.perf_counter()) <= 0:
            raise TimeoutError
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(seconds_left * 1000):
            raise TimeoutError


class _ProtocolError(Exception):
    """The process did not follow the protocol."""


def _serialize(job: Job) -> str:
    bound = bind_last_expression(job.code, _EXPRESSION) if ResultSource.EXPRESSION in job.sources else None
    places: list[str | None] = []
    for source in job.sources:
        match source:
            case ResultSource.EXPRESSION:
                places += [_EXPRESSION] if bound else []
            case ResultSource.PRINTED:
                places.append(None)
            case ResultSource.ASSIGNED:
                places += [name] if (name := last_assigned(job.code)) else []
            case str():
                places.append(source)
    try:
        inputs = literals.serialize(dict(job.inputs), "it")
    except UsageError as error:
        raise UsageError(f"the inputs of a program must be plain data: {error}") from None
    return (
        f"{{'code': {bound or job.code!r}, 'places': {places!r}, 'inputs': {inputs}, "
        f"'functions': {job.host_functions.names!r}, "
        f"'recursion': {job.limits.recursion}, 'output_chars': {job.limits.output_chars}}}"
    )
