"""Replies, imports and files without an end: a clear error at a configurable size, and memory stays flat."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

import reasoning
from reasoning.data_files import read_jsonl
from reasoning.errors import EndpointDown, InputError, UsageError
from reasoning.files import max_bytes

MB = 1_000_000
LIMIT = 4
"""Megabytes in these tests."""
_BLOCK = b'{"choices": [' * 5000


def _reply(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}]}).encode()


async def _endless(block: bytes) -> AsyncIterator[bytes]:
    while True:
        yield block


async def _once(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


def _bomb(wbits: int) -> tuple[bytes, bytes]:
    """Return the beginning of a compressed stream, and a block of some kilobytes that expands to 4 MB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    begin = packer.compress(b" ") + packer.flush(zlib.Z_FULL_FLUSH)
    return begin, packer.compress(bytes(4 * MB)) + packer.flush(zlib.Z_FULL_FLUSH)


async def _exploding(wbits: int) -> AsyncIterator[bytes]:
    begin, block = _bomb(wbits)
    yield begin
    for _ in range(625):  # 2.5 GB from 2.5 MB
        yield block


def _head(*lines: str, status: int = 200) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _chunks(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for block in blocks:
        yield _chunk(block)


ATTACKS: dict[str, Callable[[], tuple[bytes, AsyncIterator[bytes]]]] = {
    "plain": lambda: (_head("Connection: close"), _endless(_BLOCK)),
    "length": lambda: (_head("Content-Length: 9000000000"), _endless(_BLOCK)),
    "chunked": lambda: (_head("Transfer-Encoding: chunked"), _chunks(_endless(_BLOCK))),
    "events": lambda: (
        _head("Content-Type: text/event-stream", "Transfer-Encoding: chunked"),
        _chunks(_endless(b'data: {"choices": []}\n\n' * 500)),
    ),
    "gzip": lambda: (_head("Content-Encoding: gzip", "Connection: close"), _exploding(31)),
    "gzip chunked": lambda: (_head("Content-Encoding: gzip", "Transfer-Encoding: chunked"), _chunks(_exploding(31))),
    "deflate": lambda: (_head("Content-Encoding: deflate", "Connection: close"), _exploding(15)),
    "raw deflate": lambda: (_head("Content-Encoding: deflate", "Connection: close"), _exploding(-15)),
    "gzip of nothing": lambda: (
        _head("Content-Encoding: gzip", "Connection: close") + _bomb(31)[0],
        _endless(b"\0\0\0\xff\xff" * 9999),
    ),
    "error": lambda: (_head("Connection: close", status=500), _endless(_BLOCK)),
    "refusal": lambda: (_head("Content-Encoding: gzip", "Connection: close", status=400), _exploding(31)),
    "header": lambda: (b"HTTP/1.1 200 OK\r\nX: ", _endless(b"x" * 65536)),
    "headers": lambda: (b"HTTP/1.1 200 OK\r\n", _endless(b"X-Long: xxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n" * 999)),
    "reason": lambda: (b"HTTP/1.1 200 ", _endless(b"x" * 65536)),
    "chunk extension": lambda: (_head("Transfer-Encoding: chunked") + b"5;", _endless(b"x" * 65536)),
    "trailers": lambda: (_head("Transfer-Encoding: chunked") + b"0\r\n", _endless(b"X: xxxxxxxxxxx\r\n" * 4096)),
}
ENCODED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw deflate": lambda data: zlib.compress(data, wbits=-15),
}


class Flood:
    """A server on loopback whose replies have no end; the path of the base URL names the attack."""

    def __enter__(self) -> Flood:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result(5)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        async def stop() -> None:
            self._server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def url(self, attack: str) -> str:
        return f"http://127.0.0.1:{self.port}/{attack.replace(' ', '-')}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                await reader.readexactly(int(head.partition("content-length: ")[2].split("\r\n")[0]))
                attack = head.split()[1].split("/")[1].replace("-", " ")
                if attack.startswith("right"):
                    encoding = attack.removeprefix("right").strip()
                    body = ENCODED.get(encoding, bytes)(_reply("The answer is 4."))
                    named = {"": "identity", "unknown": "zip", "damaged": "gzip", "raw deflate": "deflate"}
                    told = f"Content-Encoding: {named.get(encoding, encoding)}"
                    writer.write(_head(told, f"Content-Length: {len(body)}") + body)
                    continue
                begin, blocks = ATTACKS[attack]()
                writer.write(begin)
                async for block in blocks:
                    writer.write(block)
                    await writer.drain()
                break
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture(scope="module")
def flood() -> Iterator[Flood]:
    with Flood() as server:
        yield server


_PEAK = """
def peak():
    try:
        # ru_maxrss includes the process that started this one, whose memory would hide what grows.
        with open("/proc/self/status") as status:
            return int(status.read().split("VmHWM:")[1].split()[0]) / 1024
    except FileNotFoundError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
"""
"""A function that returns the largest memory of its process so far, in MB."""

_CLIENT = (
    _PEAK
    + """
import json, sys, time
import reasoning
def ask(url):
    with reasoning.connect("m", base_url=url, journal=False, timeout=2, patience=0.2) as llm:
        return reasoning.strategies.get("vanilla").run("2 + 2?", llm)
right, *urls = sys.argv[1:]
ask(right), ask(right)
for url in urls:
    before, started = peak(), time.monotonic()
    try:
        answer = ask(url)
        state, reason = answer.state, answer.reason
    except reasoning.errors.EndpointDown as error:
        state, reason = "down", str(error)
    grown = peak() - before
    print(json.dumps([state, reason, grown, time.monotonic() - started]))
"""
)


def test_a_reply_without_end_is_an_error_and_memory_stays_flat(flood: Flood, tmp_path: Path) -> None:
    words = [sys.executable, "-c", _CLIENT, flood.url("right"), *map(flood.url, ATTACKS)]
    environment = {**os.environ, "REASONING_MAX_MB": str(LIMIT), "REASONING_HOME": str(tmp_path)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found = dict(zip(ATTACKS, map(json.loads, done.stdout.splitlines()), strict=True))
    assert {name: state for name, (state, *_) in found.items() if state not in ("failed", "down")} == {}
    assert {name: grown for name, (_, _, grown, _) in found.items() if grown > 40} == {}
    bodies = [name for name in ATTACKS if name not in ("header", "headers", "reason", "chunk extension", "trailers")]
    for name in bodies:
        reason, seconds = found[name][1], found[name][3]
        assert f"answered with more than {LIMIT} MB" in reason, name
        assert "set REASONING_MAX_MB to more megabytes" in reason
        assert seconds < 5, name


@pytest.mark.parametrize("encoding", [*ENCODED, "unknown", "damaged"])
def test_a_compressed_reply_is_read(encoding: str, flood: Flood, tmp_path: Path) -> None:
    with reasoning.connect("m", base_url=flood.url(f"right {encoding}"), journal=False, patience=0.2) as llm:
        try:
            answer = reasoning.strategies.get("vanilla").run("2 + 2?", llm)
        except EndpointDown as error:
            # On a slow machine the patience ends before the last try.
            value, reason = None, str(error)
        else:
            value, reason = answer.value, answer.reason
    wanted = {"unknown": "the encoding 'zip' of its response is unknown", "damaged": "response is damaged"}
    assert value == ("4" if encoding in ENCODED else None)
    assert wanted.get(encoding, "") in reason


_READER = (
    _PEAK
    + """
import asyncio, sys
from pathlib import Path
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.benchmarks.tasks import get
from reasoning.chain.chain import Chain, Step
from reasoning.chain.inputs import read_inputs
from reasoning.errors import ReasoningError
from reasoning.journal.importing import import_draws
from reasoning.messages import Message, Request
from reasoning.prompts import Prompt
import reasoning
recording = f"replay:{sys.argv[1]}/long.jsonl"
request = Request('m', (Message('user', '?'),), {})
folder = Path(sys.argv[1])
chain = Chain(Step("word", Prompt(input="{text}")))
def take(*inputs):
    for one in inputs:
        if one.error:
            raise ReasoningError(one.error)
readers = {
    "import": lambda: import_draws(folder / "new.sqlite", folder / "long.jsonl"),
    "import gz": lambda: import_draws(folder / "new.sqlite", folder / "long.jsonl.gz"),
    "jsonl": lambda: get("jsonl:" + str(folder / "long.jsonl")).load(9, 0),
    "jsonl gz": lambda: get("jsonl:" + str(folder / "long.jsonl.gz")).load(9, 0),
    "csv": lambda: get("csv:" + str(folder / "long.csv")).load(9, 0),
    "replay": lambda: asyncio.run(reasoning.connect(recording).client.complete(request, [0])),
    "results": lambda: list(JsonlFile(folder / "long.jsonl").read()),
    "inputs jsonl": lambda: take(*read_inputs([str(folder / "long.jsonl")], chain)),
    "inputs csv": lambda: take(*read_inputs([str(folder / "long.csv")], chain)),
    "inputs text": lambda: take(*read_inputs([str(folder / "long.txt")], chain)),
    "standard input": lambda: take(*read_inputs(["-"], chain)),
    "standard input, lines": lambda: take(*read_inputs(["-"], chain, "jsonl")),
}
before = peak()
for name, read in readers.items():
    try:
        read()
        print(name, "read", sep="|")
    except ReasoningError as error:
        grown = peak() - before
        print(name, grown, error, sep="|")
"""
)


def test_a_file_of_one_long_line_is_an_error_and_memory_stays_flat(tmp_path: Path) -> None:
    # A file that begins with zeros is refused as no text.
    text = 5_000 * b"x"
    for name in ("long.jsonl", "long.csv", "long.txt"):
        with (tmp_path / name).open("wb") as file:
            file.write(text)
            file.truncate(1_000 * MB)  # zeros that take no space
    begin, block = _bomb(31)
    (tmp_path / "long.jsonl.gz").write_bytes(gzip.compress(text) + begin + 250 * block)
    with subprocess.Popen(["cat", "/dev/zero"], stdout=subprocess.PIPE) as endless:
        words = [sys.executable, "-c", _READER, str(tmp_path)]
        environment = {**os.environ, "REASONING_MAX_MB": str(LIMIT)}
        done = subprocess.run(words, stdin=endless.stdout, env=environment, capture_output=True, text=True, check=True)
        endless.kill()
    lines = [line.split("|") for line in done.stdout.splitlines()]
    assert len(lines) == 12, done
    assert [line for line in lines if float(line[1]) > 40] == []
    for name, _, error in lines:
        if name in ("inputs text", "standard input"):
            assert "bytes are too long for one input" in error
        else:
            assert f"1: a line must have at most {LIMIT} MB; if the file is right, set REASONING_MAX_MB" in error, name


def test_many_large_draws_are_imported_in_flat_memory(tmp_path: Path) -> None:
    source = tmp_path / "large.jsonl"
    with source.open("w") as file:
        for draw in range(40):
            request = {"model": "m", "messages": [["user", "?"]], "sampling": {}, "endpoint": None}
            file.write(json.dumps({"request": request, "draw": draw, "text": str(draw) + 3 * MB * "x"}) + "\n")
    code = (
        f"{_PEAK}\nimport sys; from pathlib import Path; from reasoning.journal.importing import import_draws\n"
        "print(import_draws(Path(sys.argv[1]), Path(sys.argv[2])).new)\n"
        "print(peak())"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "new.sqlite"), str(source)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    new, resident = done.stdout.split()
    assert new == "40"
    assert float(resident) < 120


def test_the_limit_is_set_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REASONING_MAX_MB", raising=False)
    assert max_bytes() == 64 * MB
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"a": "x" * 990}) + "\n" + json.dumps({"a": "x" * 993}))
    monkeypatch.setenv("REASONING_MAX_MB", "0.001")
    lines = read_jsonl(path)
    assert next(lines)[0] == 1  # 999 bytes and the end of the line
    with pytest.raises(InputError, match=r"a\.jsonl:2: a line must have at most 0\.001 MB"):
        assert next(lines)
    for wrong in ("0", "-1", "many", "nan", "inf"):
        monkeypatch.setenv("REASONING_MAX_MB", wrong)
        with pytest.raises(UsageError, match="REASONING_MAX_MB must be a number of megabytes above 0, got"):
            max_bytes()
