"""Nothing that a file, a name or a server contains reaches a terminal with control characters or as markup."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.server import Asked, Server, always
from tests.import_graph import read_package

ROOT = Path(__file__).parents[2]
# Clipboard (OSC 52), bell, C1, blinking text, direction marks, backspaces, a forged line, a cleared screen; markup.
HOSTILE = "\x1b]52;c;RVZJTA==\x07\x9b5m\x1b[5m\u202eEVIL\u2066\x08\x08\rFORGED\x1b[2J\x85[red]x[link=e]y:warning:"
MARKUP = "[red]x[link=e]y:warning:"
OWN = re.compile(r"\x1b\[(?:\d+;)*\d*m|\x1b\[\?25[lh]|\x1b\[\d*[AGK]|\r+\n|\r(?=\x1b)|\t")
"""What the terminal's own library writes: colours, the cursor, and line ends."""


class RudeServer(Server):
    """A server whose errors and headers are hostile too."""

    def _said(self, asked: Asked) -> tuple[int, str, dict[str, str]]:
        if not asked.fault:
            return super()._said(asked)
        error = {"error": {"message": HOSTILE, "type": HOSTILE}}
        return int(asked.fault), json.dumps(error), {"Location": "http://e/\x9b[red]"}


Words = tuple[str, ...]
_RUNNER = """
import json, os, sys
import reasoning.cli.app
from reasoning.cli import journal, models, progress
from reasoning.benchmarks import advise, experiment, rescore
from reasoning.benchmarks.analysis import inspect_results, model_matrix, regression, sample_size
from reasoning.benchmarks.cli import chain, run
from reasoning.chain import lint
from reasoning.providers import openai_client
from reasoning.registry import catalogue
import aiohttp, rich.live, rich.progress, rich.table, scipy.stats, uvloop
catalogue()
for words in json.loads(sys.argv[1]):
    print(flush=True)
    child = os.fork()
    if not child:
        sys.argv = ["reasoning", *words]
        try:
            code = reasoning.cli.app.main()
        except SystemExit as ended:
            code = ended.code
        except Exception as error:
            code = 1
            sys.excepthook(type(error), error, error.__traceback__)
        sys.stdout.flush()
        os._exit(code or 0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(f"<exit {code}>", flush=True)
"""


def terminal(commands: Iterable[Words], cwd: Path) -> dict[Words, tuple[int, str]]:
    """Run commands on a pseudo-terminal; return the exit code of each and what the terminal received from it."""
    commands = list(commands)
    outside, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _RUNNER, json.dumps(commands)],
        stdin=subprocess.DEVNULL,
        stdout=inside,
        stderr=inside,
        cwd=cwd,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "160", "REASONING_HOME": str(cwd)},
    )
    os.close(inside)
    received = b""
    # After the end of the last process that writes to it, reading a terminal is an error.
    with suppress(OSError):
        while block := os.read(outside, 65536):
            received += block
    os.close(outside)
    assert process.wait() == 0, received
    parts = re.split(r"<exit (\d+)>", received.decode("utf-8", "surrogateescape"))
    return {words: (int(code), text) for words, text, code in zip(commands, parts[::2], parts[1::2], strict=False)}


def controls(received: str) -> list[str]:
    """Return the places of characters that control a terminal, besides those of the library that draws on it."""
    rest = OWN.sub("", received.replace("\x1b[5m", "\x05"))
    found = re.finditer(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", rest)
    return [rest[max(0, match.start() - 60) : match.end() + 20] for match in found]


def test_hostile_text_would_be_found() -> None:
    assert len(controls(HOSTILE)) == 11
    assert controls("\x1b[1;32mgreen\x1b[0m\r\n\x1b[?25l\r\x1b[2Kdone\n") == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which every name and every text is hostile."""
    home = tmp_path_factory.mktemp("hostile")
    rows = [
        {"id": f"{HOSTILE}{number}", "question": f"{HOSTILE} {number}?", "answer": answer, "family": HOSTILE}
        for number, answer in enumerate((HOSTILE, "4"))
    ]
    (home / f"{HOSTILE}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    chain = home / f"{HOSTILE}chain"
    chain.mkdir()
    (chain / f"{HOSTILE}.md").write_text(f"# Instructions\n\n{HOSTILE}\n\n# Input\n\n{{text}}\n", encoding="utf-8")
    name = json.dumps(HOSTILE)
    step = f'[[step]]\nname = "word"\nreads = ["text"]\nprompt = {json.dumps(f"{HOSTILE}.md")}\n'
    (chain / "chain.toml").write_text(f"name = {name}\nabout = {name}\n\n[inputs]\ntext = 'text'\n\n{step}")
    (home / "inputs.jsonl").write_text(json.dumps({"id": HOSTILE, "text": HOSTILE}) + "\n" + HOSTILE + "\n")
    return home


@pytest.fixture(scope="module")
def with_model() -> Iterator[Words]:
    """Return the options of a model whose name and replies are hostile."""
    with RudeServer(say=lambda prompt, nth, place: f"{HOSTILE} The answer is {HOSTILE}") as running:
        yield ("--model", f"m{HOSTILE}", "--base-url", running.url, "--journal", f"{HOSTILE}.sqlite")


@pytest.fixture(scope="module")
def filled(folder: Path, with_model: Words) -> Path:
    """Return the folder with the results of a run, and those of a stranger, whose strategies are hostile too."""
    words = ("bench", "run", "--task", f"jsonl:{HOSTILE}.jsonl", "--strategies", "vanilla, cot")
    [(code, received)] = terminal([(*words, "--out", f"{HOSTILE}out", *with_model)], folder).values()
    assert (code, controls(received)) == (0, []), received
    assert MARKUP in received
    shutil.copytree(folder / f"{HOSTILE}out", folder / "stranger")
    hostile = json.dumps(HOSTILE)[1:-1]
    for path in (folder / "stranger").glob("*.json*"):
        path.write_text(path.read_text().replace('"vanilla"', f'"vanilla{hostile}"'))
    return folder


COMMANDS: list[Words] = [
    ("bench", "show", f"{HOSTILE}out"),
    ("bench", "show", f"{HOSTILE}out", "--id", "0"),
    ("bench", "show", f"{HOSTILE}out", "--id", f"{HOSTILE}0", "--strategy", "cot"),
    ("bench", "show", f"{HOSTILE}out", "--id", HOSTILE),
    ("bench", "show", "stranger"),
    ("bench", "show", "stranger", "--id", f"{HOSTILE}1"),
    ("bench", "report", "stranger", "--all", "--parse-rules"),
    ("bench", "report", "stranger", "--json"),
    ("bench", "report", "stranger", "--write", f"{HOSTILE}.md", "--write", f"{HOSTILE}.html"),
    ("bench", "compare", f"{HOSTILE}out", f"{HOSTILE}out"),
    ("bench", "compare", f"{HOSTILE}out", f"{HOSTILE}out", "--json"),
    ("bench", "compare", f"{HOSTILE}out", "stranger"),
    ("bench", "matrix", f"{HOSTILE}out", "stranger"),
    ("bench", "rescore", f"{HOSTILE}out"),
    ("bench", "power", "--pilot", "stranger"),
    ("bench", "report", HOSTILE),
    ("bench", "report", HOSTILE, "--debug"),
    ("tasks", f"jsonl:{HOSTILE}.jsonl"),
    ("tasks", HOSTILE),
    ("strategies", "show", HOSTILE),
    ("prompts", "show", "cot", "--question", HOSTILE),
    ("prompts", "list", HOSTILE),
    ("ask", "--file", HOSTILE),
    ("ask", HOSTILE, "--strategy", HOSTILE),
    ("models", "download", HOSTILE),
    (HOSTILE,),
    ("bench", f"--{HOSTILE}"),
    ("chain", "check", f"{HOSTILE}chain"),
    ("chain", "check", f"{HOSTILE}chain", "--json"),
    ("chain", "show", f"{HOSTILE}chain"),
    ("chain", "diagram", f"{HOSTILE}chain"),
    ("chain", "diagram", f"{HOSTILE}chain", "--out", f"{HOSTILE}.mmd"),
    ("chain", "check", HOSTILE),
    ("chain", "new", f"new{HOSTILE}"),
    ("journal", "info", "--journal", f"{HOSTILE}.sqlite"),
    ("journal", "info", "--journal", f"{HOSTILE}.sqlite", "--json"),
    ("journal", "verify", "--journal", f"{HOSTILE}.sqlite"),
    ("journal", "export", f"{HOSTILE}-export.jsonl", "--journal", f"{HOSTILE}.sqlite"),
    ("journal", "import", f"{HOSTILE}.jsonl", "--journal", f"{HOSTILE}2.sqlite"),
    ("journal", "merge", HOSTILE, "--journal", f"{HOSTILE}2.sqlite"),
    ("journal", "prune", "--model", f"m{HOSTILE}", "--dry-run", "--journal", f"{HOSTILE}.sqlite"),
    ("journal", "info", "--journal", f"{HOSTILE}.jsonl"),
]
WITH_MODEL: list[Words] = [
    ("ask", HOSTILE),
    ("ask", HOSTILE, "--trace"),
    ("ask", HOSTILE, "--json"),
    ("ask", HOSTILE, "--kind", "number"),
    ("ask", HOSTILE, "--strategy", "self_consistency(cot, samples=3)", "--trace"),
    ("chain", "run", f"{HOSTILE}chain", "inputs.jsonl", f"{HOSTILE}.jsonl"),
    ("chain", "run", f"{HOSTILE}chain", "inputs.jsonl", "--out", f"{HOSTILE}.csv"),
    ("bench", "run", "--task", f"jsonl:{HOSTILE}.jsonl", "--strategies", "vanilla", "--json", "--out", "again"),
    ("bench", "run", "--task", f"jsonl:{HOSTILE}.jsonl", "--strategies", "cot", "--dry-run"),
    ("bench", "run", "--task", f"jsonl:{HOSTILE}.jsonl", "--strategies", HOSTILE),
]
SHORT = [
    ("bench", f"--{HOSTILE}"),
    ("bench", "compare", f"{HOSTILE}out", f"{HOSTILE}out", "--json"),
    ("bench", "rescore", f"{HOSTILE}out"),
    ("chain", "diagram", f"{HOSTILE}chain"),
]
"""The commands whose output is not expected to show the markup."""


def test_commands_show_hostile_text_literally(filled: Path, with_model: Words) -> None:
    given = {**{words: words for words in COMMANDS}, **{(*words, *with_model): words for words in WITH_MODEL}}
    received = {given[words]: one for words, one in terminal(given, filled).items()}
    assert len(received) == len(given)
    assert {words: controls(text) for words, (_, text) in received.items() if controls(text)} == {}
    shown = {words for words, (_, text) in received.items() if MARKUP in text.replace("\r\n", "")}
    assert [words for words in received if words not in {*shown, *SHORT}] == []
    assert [words for words, (_, text) in received.items() if "⚠" in text] == []


def test_rows_that_are_printed_on_a_terminal_are_lines_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "again.md").write_text("# Instructions\n\nSay it again.\n\n# Input\n\n{text}\n")
    step = '[[step]]\nname = "again"\nreads = ["text"]\nprompt = "again.md"\n'
    (tmp_path / "again" / "chain.toml").write_text(f'name = "again"\nabout = "."\n[inputs]\ntext = "text"\n{step}')
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"id": "{row}", "text": "{row}"}}\n' for row in range(5)))
    with Server(latency=0.3) as server:
        words = ("chain", "run", "again", "rows.jsonl", "--model", "m", "--base-url", server.url, "--concurrency", "1")
        [(code, received)] = terminal([words], tmp_path).values()
    assert code == 0, received
    lines = [line for line in received.splitlines() if '"state"' in line]
    assert [json.loads(line)["id"] for line in lines] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("status", ["400", "401", "307"])
def test_the_error_of_a_server_is_shown_literally(status: str, tmp_path: Path) -> None:
    with RudeServer(faults=always(status)) as server:
        model = ("--model", "m", "--base-url", server.url)
        ran = terminal([("ask", "2 + 2?", *model), ("ask", "2 + 2?", "--debug", *model)], tmp_path)
    for code, received in ran.values():
        assert code != 0
        assert controls(received) == []
        assert server.url in received


def test_json_escapes_control_characters_and_stays_the_same(filled: Path) -> None:
    words = ("bench", "report", "stranger", "--json")
    code = "from reasoning.cli.app import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=filled, check=True)
    assert controls(done.stdout) == []
    read = json.loads(done.stdout)
    assert [row["strategy"] for row in read["results"]] == [f"vanilla{HOSTILE}", "cot"]
    assert read["task"] == f"jsonl:{HOSTILE}.jsonl"


STREAMS = {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"}
AROUND = {"print", "rich.print", "typer.echo", "typer.secho", "click.echo", "click.secho", "rich.get_console"}
"""The functions that write to a terminal without `reasoning.cli.output`."""
TERMINAL = {
    "reasoning.cli.output",
    "reasoning.cli.literal_console",
    "reasoning.chain.result_writer",
    "reasoning.cli.interrupts",
    "reasoning.providers.llama_cpp.download",
    "reasoning.retrieval.progress",
}
"""The modules that may use them; the last four print JSON without control characters, and lines of their own."""


def prints_around(sources: Mapping[str, str]) -> list[str]:
    """Return the calls that write to a terminal, or parse text as markup, around `reasoning.cli.output`."""
    found = []
    for module, source in sources.items():
        in_sandbox = module.startswith("reasoning.sandbox.child")
        for node in ast.walk(ast.parse(source)) if module not in TERMINAL and not in_sandbox else ():
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            last = name.rpartition(".")[2]
            makes_console = last == "Console" and not any(one.arg == "file" for one in node.keywords)  # type: ignore[attr-defined]
            if name in AROUND or makes_console or last in ("from_markup", "render_markup", "Panel", "Prompt.ask"):
                found.append(f"{module}:{node.lineno} {name}")
            if isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr") and ast.unparse(node) in STREAMS:
                found.append(f"{module}:{node.lineno} {ast.unparse(node)}")
    return found


def test_commands_print_through_one_module() -> None:
    assert prints_around(read_package(ROOT)) == []


@pytest.mark.parametrize(
    "line",
    [
        "print(name)",
        "typer.echo(name)",
        "Console().print(name)",
        "Console(stderr=True)",
        "sys.stdout.write(name)",
        "print(name, file=sys.stderr)",
        "Text.from_markup(name)",
    ],
)
def test_a_way_around_is_found(line: str) -> None:
    assert prints_around({"reasoning.cli.new": line}) != []
