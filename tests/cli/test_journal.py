"""`reasoning journal`: its output, its files and its exit codes."""

from __future__ import annotations

import gzip
import json
import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from reasoning.cli.journal import journal as command
from reasoning.errors import InputError, JournalError, MissingExtra, UsageError
from reasoning.journal import Journal, codec, exporting, importing
from reasoning.journal.codec import format_utc
from reasoning.journal.filters import parse_time
from reasoning.messages import Completion, Message, Request, Token, Usage


def asking(question: str, model: str = "some/model") -> Request:
    return Request(model, (Message("system", "be brief"), Message("user", question)), {"temperature": 0.7}, None)


def run(*arguments: object, code: int = 0) -> Result:
    done = CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def make_older(path: Path, text: str) -> None:
    """Give draws of a text an old date, and the checksum of a draw with that date."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE draws SET at = '2020-05-05T00:00:00Z' WHERE text = ?", [text])
        columns = ", ".join(codec.COLUMNS)
        rows = f"SELECT draws.rowid, key, {columns} FROM draws JOIN requests ON requests.id = draws.request"
        for number, key, *row in connection.execute(rows).fetchall():
            new = (codec.checksum(key, tuple(row)), number)
            connection.execute("UPDATE draws SET checksum = ? WHERE rowid = ?", new)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of 31 draws: three models, one of them without prices, odd texts, two ages."""
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    usage = Usage(1, 10, 5, 2, 0.5, 1.25)
    for number in range(10):
        said = [Completion(f"it is {draw}\n\u2028{{", usage=usage, draw=draw) for draw in range(2)]
        journal.write(asking(f"{number} + 1?"), said)
    odd = Completion(
        "\x00 \ud800 é \U0001f600", "length", Usage(1, 3, 4), "hm", (Token("é\ud800", -0.5, (("a", -1.5),)),)
    )
    journal.write(asking("why \ud800 é?", "local/é"), [odd])
    journal.write(asking("old?", "old/model"), [Completion("x", usage=usage, draw=draw) for draw in range(10)])
    journal.close()
    make_older(path, "x")
    return path


def content(path: Path) -> list[Any]:
    columns = "key, model, requests.request, draw, text, finish_reason, reasoning, tokens, usd, seconds, retries, at"
    query = f"SELECT {columns} FROM draws JOIN requests ON requests.id = draws.request ORDER BY key, draw"
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_info(path: Path) -> None:
    said = run("info", "--journal", path).stdout
    assert f"{path}: 31 draws of 12 requests" in said
    assert [line.split() for line in said.splitlines()[4:]] == [
        ["some/model", "20", "200", "100", "$10.0000"],
        ["old/model", "10", "100", "50", "$5.0000"],
        ["local/é", "1", "3", "4", "1"],
    ]
    found = json.loads(run("info", "--journal", path, "--json").stdout)
    assert {name: found[name] for name in ("path", "draws", "requests", "first")} == {
        "path": str(path), "draws": 31, "requests": 12, "first": "2020-05-05T00:00:00Z",
    }  # fmt: skip
    assert found["bytes"] == path.stat().st_size
    assert [(one["model"], one["usd"], one["unpriced"]) for one in found["models"]] == [
        ("some/model", 10.0, 0), ("old/model", 5.0, 0), ("local/é", None, 1),
    ]  # fmt: skip


def test_info_where_nothing_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REASONING_HOME", str(tmp_path / "home"))
    assert run("info").stdout == f"{tmp_path / 'home' / 'journal.sqlite'}: no draws are recorded\n"
    assert json.loads(run("info", "--json").stdout)["draws"] == 0
    assert not (tmp_path / "home").exists()


# --- export and import


@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
def test_what_is_exported_can_be_imported_whole(path: Path, tmp_path: Path, name: str) -> None:
    out, other = tmp_path / name, tmp_path / "deep" / "other.sqlite"
    assert run("export", out, "--journal", path).stdout == f"{out}: 31 draws\n"
    assert run("import", out, "--journal", other).stdout == f"{other}: 31 draws new, 0 known\n"
    assert run("import", out, "--journal", other).stdout == f"{other}: 0 draws new, 31 known\n"
    assert content(other) == content(path)
    assert run("verify", "--journal", other).stdout == f"{other}: no problems found\n"
    assert list(other.parent.iterdir()) == [other]
    assert not list(out.parent.glob("*.new"))


def test_a_line_is_a_draw_with_its_request(path: Path, tmp_path: Path) -> None:
    run("export", tmp_path / "all.jsonl", "--journal", path)
    lines = (tmp_path / "all.jsonl").read_bytes().splitlines()
    first = json.loads(lines[0])
    assert first["request"] == {
        "endpoint": None,
        "model": "some/model",
        "messages": [["system", "be brief"], ["user", "0 + 1?"]],
        "sampling": {"temperature": 0.7},
    }
    assert (first["key"], first["draw"], first["text"]) == (asking("0 + 1?").key, 0, "it is 0\n\u2028{")
    assert (first["usd"], first["tokens"], first["cached_tokens"]) == (0.5, None, 2)
    odd = json.loads(lines[20])
    assert (odd["tokens"], odd["usd"], odd["finish_reason"]) == ([["é\ud800", -0.5, [["a", -1.5]]]], None, "length")


def test_an_export_of_some(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "some.jsonl"
    for chosen, number in (
        (["--model", "old/model"], 10),
        (["--since", "1d"], 21),
        (["--since", "2020-05-06"], 21),
        (["--since", "2020-05-05"], 31),
        (["--since", "1h", "--model", "old/model"], 0),
    ):
        assert run("export", out, "--journal", path, *chosen).stdout == f"{out}: {number} draws\n"
        assert len(out.read_bytes().splitlines()) == number


def test_an_export_to_parquet(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(exporting, "_BATCH", 7)
    run("export", tmp_path / "all.parquet", "--journal", path)
    found = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    assert len(found) == 31
    assert list(found[0]) == list(exporting.FIELDS)
    run("export", tmp_path / "all.jsonl", "--journal", path)
    for row, line in zip(found, (tmp_path / "all.jsonl").read_bytes().splitlines(), strict=True):
        wanted = json.loads(line)
        assert json.loads(row["request"]) == wanted["request"]
        assert json.loads(row["tokens"] or "null") == wanted["tokens"]
        assert format_utc(int(row["at"].timestamp())) == wanted["at"]
        plain = set(exporting.FIELDS) - {"request", "tokens", "at"}
        assert {name: row[name] for name in plain} == {name: wanted.get(name, 0) for name in plain}


def test_parquet_without_pyarrow_says_what_to_install(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"needs pyarrow; install it with: pip install"):
        run("export", tmp_path / "all.parquet", "--journal", path)


def test_what_an_export_cannot_do(path: Path, tmp_path: Path) -> None:
    for error, words, arguments in (
        (UsageError, r"an export must end with .*all\.csv", [tmp_path / "all.csv", "--journal", path]),
        (UsageError, "no such journal", [tmp_path / "a.jsonl", "--journal", tmp_path / "no.sqlite"]),
        (UsageError, "did you mean 'old/model'", [tmp_path / "a.jsonl", "--journal", path, "--model", "old/modle"]),
        (UsageError, "--since must be an age", [tmp_path / "a.jsonl", "--journal", path, "--since", "soon"]),
        (InputError, r"a\.jsonl: cannot be written", [tmp_path / "no" / "a.jsonl", "--journal", path]),
    ):
        with pytest.raises(error, match=words):
            run("export", *arguments)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["journal.sqlite"]


def test_an_export_that_stops_leaves_the_older_one(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "all.jsonl"
    out.write_text("the older one")

    def stop(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "format_line", stop)
    with pytest.raises(InputError, match=r"all\.jsonl: cannot be written: No space left on device"):
        run("export", out, "--journal", path)
    assert out.read_text() == "the older one"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["all.jsonl", "journal.sqlite"]


GOOD = {
    "request": {"model": "m", "messages": [["user", "?"]], "sampling": {}, "endpoint": None},
    "draw": 0,
    "text": "x",
}


def test_an_import_of_what_somebody_else_has_written(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(f"{json.dumps(GOOD)}\n\n{json.dumps({**GOOD, 'draw': 1, 'grade': 'A'})}\n")
    run("import", tmp_path / "in.jsonl", "--journal", tmp_path / "journal.sqlite")
    request = Request("m", (Message("user", "?"),), {})
    first, second = Journal(tmp_path / "journal.sqlite").read(request.key, [0, 1]).values()
    assert first == Completion("x", usage=Usage(1), key=request.key, draw=0, is_new=False)
    assert second.draw == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("{", "in.jsonl:3: not JSON"),
        ("[]", "in.jsonl:3: must be a JSON object, got list"),
        ({"request": None}, "in.jsonl:3: 'request' must be an object"),
        ({"request": {**GOOD["request"], "messages": ["?"]}}, "in.jsonl:3: 'request' must be an object"),
        ({"request": {"model": "m"}}, "'messages' is missing"),
        ({"key": "00"}, "in.jsonl:3: 'key' must be the key of its request, "),
        ({"draw": None}, "in.jsonl:3: 'draw' must be an integer of at least 0, got None"),
        ({"draw": -1}, "'draw' must be an integer of at least 0, got -1"),
        ({"draw": True}, "'draw' must be an integer of at least 0, got True"),
        ({"draw": 1 << 63}, "'draw' must be an integer of at least 0"),
        ({"text": None}, "'text' must be a text, got None"),
        ({"prompt_tokens": 1.5}, "'prompt_tokens' must be an integer"),
        ({"usd": "free"}, "'usd' must be a number of at least 0, got 'free'"),
        ({"seconds": None}, "'seconds' must be a number of at least 0, got None"),
        ({"seconds": float("nan")}, "'seconds' must be a number of at least 0, got nan"),
        ({"tokens": [["a"]]}, "'tokens' must be [[text, logprob"),
        ({"tokens": 5}, "'tokens' must be [[text, logprob"),
        ({"at": "yesterday"}, "'at' must be a time in UTC such as 2026-01-31T12:00:00Z, got 'yesterday'"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_imported(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: Any, words: str
) -> None:
    monkeypatch.setattr(importing, "_BATCH", 1)
    line = wrong if isinstance(wrong, str) else json.dumps({**GOOD, "draw": 2, **wrong})
    (tmp_path / "in.jsonl").write_text(f"{json.dumps(GOOD)}\n{json.dumps({**GOOD, 'draw': 1})}\n{line}\n")
    before = content(path)
    with pytest.raises(InputError) as told:
        run("import", tmp_path / "in.jsonl", "--journal", path)
    assert words in str(told.value)
    assert content(path) == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.jsonl", "journal.sqlite"]


def test_an_import_of_a_file_that_is_cut_off(path: Path, tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(json.dumps({**GOOD, "draw": n}).encode() + b"\n" for n in range(1000)))
    (tmp_path / "in.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match=r"in\.jsonl\.gz:\d+: the gzip data is truncated or damaged"):
        run("import", tmp_path / "in.jsonl.gz", "--journal", path)
    assert len(content(path)) == 31
    with pytest.raises(InputError, match=r"nowhere\.jsonl: no such file"):
        run("import", tmp_path / "nowhere.jsonl", "--journal", path)
    with pytest.raises(UsageError, match=r"an import must be a \.jsonl or \.jsonl\.gz file"):
        run("import", path, "--journal", path)


# --- merge


def test_a_merge_keeps_what_is_there_and_counts_what_differs(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH", 3)
    first, second = tmp_path / "first.sqlite", tmp_path / "second?#.sqlite"
    Journal(first).write(asking("0 + 1?"), [Completion("mine", draw=draw) for draw in (1, 2)])
    Journal(second).write(asking("0 + 1?"), [Completion("mine", draw=draw) for draw in (1, 2, 3)])
    done = run("merge", first, second, "--journal", path)
    assert done.stdout.splitlines() == [
        f"{first}: 1 draw new, 1 known, 1 of them with another recorded text, which stays",
        f"{second}: 1 draw new, 2 known, 1 of them with another recorded text, which stays",
    ]
    kept = Journal(path).read(asking("0 + 1?").key, range(5))
    assert [(draw, one.text[:5]) for draw, one in kept.items()] == [
        (0, "it is"),
        (1, "it is"),
        (2, "mine"),
        (3, "mine"),
    ]
    assert run("merge", path, "--journal", tmp_path / "new.sqlite").stdout == f"{path}: 33 draws new, 0 known\n"
    assert content(tmp_path / "new.sqlite") == content(path)
    assert run("verify", "--journal", path).exit_code == 0


def test_what_a_merge_cannot_do(path: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged.sqlite").write_bytes(b"not a database" * 100)
    (tmp_path / "link.sqlite").symlink_to(path)
    for error, words, other in (
        (UsageError, r"cannot be merged into itself: .*link\.sqlite", "link.sqlite"),
        (UsageError, r"no\.sqlite: no such journal", "no.sqlite"),
        (JournalError, r"damaged\.sqlite cannot be read", "damaged.sqlite"),
    ):
        with pytest.raises(error, match=words):
            run("merge", tmp_path / other, "--journal", path)
    assert len(content(path)) == 31


def test_a_merge_goes_on_beside_one_that_writes(path: Path, tmp_path: Path) -> None:
    journal = Journal(path)
    journal.write(asking("now?"), [Completion("x")])
    run("merge", path, "--journal", tmp_path / "new.sqlite")
    assert len(content(tmp_path / "new.sqlite")) == 32
    journal.write(asking("now?"), [Completion("x", draw=1)])
    journal.close()
    assert len(content(path)) == 33


# --- prune


@pytest.mark.parametrize(
    ("chosen", "left", "requests"),
    [
        (["--model", "old/model"], 21, 11),
        (["--older-than", "30d"], 21, 11),
        (["--older-than", "2020-05-05"], 31, 12),
        (["--older-than", "2020-05-06", "--model", "some/model"], 31, 12),
        (["--model", "some/model"], 11, 2),
    ],
)
def test_prune(path: Path, chosen: list[str], left: int, requests: int) -> None:
    before, size = content(path), path.stat().st_size
    assert str(31 - left) in run("prune", "--journal", path, *chosen, "--dry-run").stdout or left == 31
    assert content(path) == before
    run("prune", "--journal", path, *chosen, "--yes")
    assert len(content(path)) == left
    assert set(content(path)) < set(before) or left == 31
    assert json.loads(run("info", "--journal", path, "--json").stdout)["requests"] == requests
    assert path.stat().st_size <= size
    assert run("verify", "--journal", path).exit_code == 0


def test_a_prune_gives_the_space_back(path: Path) -> None:
    Journal(path).write(asking("long?", "big/model"), [Completion("long " * 100_000)])
    run("prune", "--journal", path, "--model", "big/model", "--yes")
    assert path.stat().st_size < 100_000


def test_a_prune_asks_before_it_removes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="name the draws to delete"):
        run("prune", "--journal", path)
    with pytest.raises(UsageError, match=r"this deletes 10 draws \(\$5\.0000\) of .*: pass --yes"):
        run("prune", "--journal", path, "--model", "old/model")
    with pytest.raises(UsageError, match="--older-than must be an age"):
        run("prune", "--journal", path, "--older-than", "old")
    assert len(content(path)) == 31
    assert run("prune", "--journal", path, "--older-than", "2020-01-01", "--yes").stdout.endswith("no such draws\n")


def test_a_prune_beside_a_reader_still_removes(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM draws").fetchone()
        done = run("prune", "--journal", path, "--model", "old/model", "--yes")
        assert f"{path}: deleted 10 draws" in done.stdout
    assert len(content(path)) == 21


# --- verify


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("UPDATE requests SET request = replace(request, '3 + 1', '4 + 1') WHERE id = 4", "the key must be the hash"),
        ("UPDATE requests SET request = 'x' WHERE id = 4", "cannot be read: JSONDecodeError"),
        ("UPDATE requests SET request = '[]' WHERE id = 4", "cannot be read: TypeError"),
        ("UPDATE requests SET model = 'x' WHERE id = 4", "stored for the model 'x', but sent to 'some/model'"),
        ("UPDATE requests SET request = request || ' ' WHERE id = 4", "not stored in canonical form"),
        ("UPDATE requests SET key = 'x' WHERE id = 4", "the request 'x'"),
        ("DELETE FROM requests WHERE id = 11", "the draw 0 of request number 11: its request is missing"),
        ("UPDATE draws SET tokens = 'x' WHERE draw = 0 AND request = 4", "its checksum does not match"),
        ("UPDATE draws SET usd = 0.25 WHERE draw = 0 AND request = 4", "its checksum does not match"),
        ("UPDATE draws SET text = CAST(text AS BLOB) WHERE draw = 0 AND request = 4", "its checksum does not match"),
        ("UPDATE draws SET text = CAST(x'ff' AS TEXT) WHERE draw = 0 AND request = 4", "its checksum does not match"),
        ("UPDATE draws SET checksum = checksum + 1 WHERE draw = 0 AND request = 4", "its checksum does not match"),
        ("UPDATE draws SET request = 5, draw = 7 WHERE draw = 0 AND request = 4", "its checksum does not match"),
    ],
)
def test_verify_names_what_is_wrong(path: Path, damage: str, words: str) -> None:
    change(path, damage)
    done = run("verify", "--journal", path, code=2)
    assert words in done.stderr
    # The draws of a request with another key are damaged, too.
    assert done.stderr.splitlines()[-1] == f"{path}: {'3 problems' if 'key =' in damage else '1 problem'}"
    assert done.stdout == ""


def test_verify_prints_the_first_problems_and_counts_all(path: Path) -> None:
    change(path, "DELETE FROM requests")
    lines = run("verify", "--journal", path, code=2).stderr.splitlines()
    assert len(lines) == 21
    assert lines[-1] == f"{path}: 31 problems; the first 20 are shown"


def test_verify_of_a_file_that_is_damaged_inside(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size - 4096)
        file.write(b"\xff" * 4096)
    before = path.read_bytes()
    done = run("verify", "--journal", path, code=2)
    assert "the file: " in done.stderr
    assert path.read_bytes() == before


# --- as a user runs it


def shell(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "from reasoning.cli.app import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "journal", *map(str, arguments)],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env={**os.environ, **environment},
    )  # fmt: skip


def test_errors_are_one_line_and_an_exit_code(path: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged.sqlite").write_bytes(bytes(5000))
    for arguments in (
        ["info", "--journal", tmp_path / "damaged.sqlite"],
        ["verify", "--journal", tmp_path / "damaged.sqlite"],
        ["verify", "--journal", tmp_path / "no.sqlite"],
        ["prune", "--journal", path, "--model", "old/model"],
        ["import", tmp_path / "no.jsonl"],
    ):
        done = shell(*arguments, REASONING_HOME=str(tmp_path / "home"))
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
    done = shell("info", "--journal", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "31 draws" in done.stdout


def terminal(typed: str, *arguments: object) -> tuple[int, str]:
    """The command in a terminal: how it ends, and all that is seen there."""
    ours, its = pty.openpty()
    command = [sys.executable, "-c", "from reasoning.cli.app import main; main()", "journal", *map(str, arguments)]
    seen = b""
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        os.write(ours, typed.encode())
        with suppress(OSError):  # Linux says so where the terminal's other end is closed
            while said := os.read(ours, 4096):
                seen += said
    os.close(ours)
    return process.returncode, seen.decode()


def test_a_prune_in_a_terminal_asks(path: Path) -> None:
    code, seen = terminal("n\n", "prune", "--journal", path, "--model", "old/model")
    assert code == 1
    assert "delete 10 draws ($5.0000) of" in seen
    assert len(content(path)) == 31
    code, seen = terminal("y\n", "prune", "--journal", path, "--model", "old/model")
    assert (code, "deleted 10 draws" in seen, len(content(path))) == (0, True, 21)


def test_long_work_is_shown_in_a_terminal(path: Path, tmp_path: Path) -> None:
    for step, said in (
        (["export", tmp_path / "all.jsonl", "--journal", path], "31 draws"),
        (["import", tmp_path / "all.jsonl", "--journal", tmp_path / "new.sqlite"], "31 draws new"),
        (["verify", "--journal", path], "no problems found"),
        (["info", "--journal", path], "31 draws"),
    ):
        code, seen = terminal("", *step)
        assert code == 0
        assert said in seen
        assert "\x1b[" in seen  # something has moved


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-01-31", "2026-01-31T00:00:00Z"),
        ("2026-01-31T12:30", "2026-01-31T12:30:00Z"),
        ("2026-01-31T12:30:00+02:00", "2026-01-31T10:30:00Z"),
    ],
)
def test_a_date_is_a_moment(text: str, wanted: str) -> None:
    assert parse_time(text, "--since") == wanted


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5400), ("12h", 43_200), ("30d", 2_592_000), ("2 w", 1_209_600)])
def test_an_age_is_a_moment(monkeypatch: pytest.MonkeyPatch, text: str, seconds: int) -> None:
    monkeypatch.setattr("reasoning.journal.filters.time.time", lambda: 1_800_000_000.5)
    assert parse_time(text, "--since") == format_utc(1_800_000_000 - seconds)


@pytest.mark.parametrize("text", ["", "soon", "30", "30 years", "2026-13-01", "-3d"])
def test_what_is_no_moment_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="--since must be an age such as 30d"):
        parse_time(text, "--since")


def test_progress_comes_to_its_end(path: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))

    steps: list[Callable[[], object]] = [
        lambda: exporting.export_draws(path, tmp_path / "all.jsonl", progress=progress),
        lambda: importing.import_draws(tmp_path / "new.sqlite", tmp_path / "all.jsonl", progress),
        lambda: importing.merge_journal(tmp_path / "newer.sqlite", path, progress),
    ]
    for step in steps:
        step()
        assert told[-1] == (31, 31)
        told.clear()


def test_a_warning_is_one_line(path: Path, tmp_path: Path) -> None:
    change(path, "UPDATE draws SET usd = 0.25 WHERE draw = 0 AND request = 4")
    done = shell("export", tmp_path / "all.jsonl", "--journal", path)
    assert done.returncode == 0
    assert done.stderr == (
        f"warning: 1 damaged draw of the journal {path} left out; `reasoning journal verify` lists them\n"
    )
