"""`reasoning chain`, run as a user runs it."""

from __future__ import annotations

import csv
import gzip
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reasoning import Chain, Problem
from reasoning.chain.inputs import ChainInput, read_inputs
from reasoning.chain.scaffold import create_chain
from reasoning.engine.ledger import Ledger
from reasoning.errors import UsageError
from tests.chain.test_folder import TOML, write
from tests.command_line import reasoning
from tests.faults.server import Server, by_now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "replies")


def said(prompt: str, nth: int, place: int) -> str:
    """What the model says: issues that are words of the feedback, and a reply."""
    if prompt.startswith("Feedback: "):
        return "; ".join(prompt.split()[1:3])
    return f"The answer is sorry for {prompt.split()[-1]}."


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(say=said) as running:
        yield running


def run(server: Server, folder: Path, *arguments: str, stdin: str = "") -> tuple[int, list[dict[str, object]], str]:
    model = ("--model", "mock", "--base-url", server.url, "--journal", str(folder.parent / "journal.sqlite"))
    done = reasoning("chain", "run", str(folder), *arguments, *model, stdin=stdin)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_new_check_show_diagram(tmp_path: Path) -> None:
    done = reasoning("chain", "new", "mine", "--template", "telecom_feedback", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    files = {path.name for path in (tmp_path / "mine").iterdir()}
    assert files >= {"categories.md", "chain.toml", "checks.py", "issues.md", "recommendations.md"}
    assert "__init__.py" not in files
    assert Chain.load(tmp_path / "mine").name == "mine"
    again = reasoning("chain", "new", "mine", cwd=tmp_path)
    assert (again.returncode, "already exists" in again.stderr) == (2, True)
    checked = reasoning("chain", "check", "mine", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert "mine: 3 to 6 calls per input; no problems found" in checked.stdout
    shown = reasoning("chain", "show", "mine", "--step", "categories", cwd=tmp_path).stdout
    assert "# Objective\nGive every issue one category." in shown
    assert "Issues: {issues}" in shown
    assert "List the issues" not in shown
    printed = reasoning("chain", "diagram", "mine", cwd=tmp_path).stdout
    assert printed == Chain.load(tmp_path / "mine").diagram()
    for name, begin in (("c.mmd", "flowchart TD\n"), ("c.md", "```mermaid\nflowchart TD\n")):
        assert reasoning("chain", "diagram", "mine", "--out", name, cwd=tmp_path).returncode == 0
        assert (tmp_path / name).read_text().startswith(begin)
    refused = reasoning("chain", "diagram", "mine", "--out", "c.png", cwd=tmp_path)
    assert (refused.returncode, (tmp_path / "c.png").exists()) == (2, False)
    assert "c.png: a diagram must be written to a .mmd or .md file" in refused.stderr


def test_new_names_the_chain_and_no_step(tmp_path: Path) -> None:
    steps = TOML.partition("\n")[2]
    heads = ("name = 'old'\n", "", 'about = "x"\n"name" = "a \\" b" # c\n', 'name = "replies"\n')
    for number, head in enumerate(heads):
        write(tmp_path / "from", chain=head + steps)
        made = create_chain(tmp_path / f"new{number}", str(tmp_path / "from"))
        assert made.name == f"new{number}"
        assert [step.name for step in made.steps] == ["issues", "reply"]
    write(tmp_path / "from", chain='"""name""" = 1\n' + steps)
    with pytest.raises(UsageError):
        create_chain(tmp_path / "broken", str(tmp_path / "from"))
    write(tmp_path / "from", chain='about = """\n[x]"""\nname = "old"\n' + steps)
    with pytest.raises(UsageError):
        create_chain(tmp_path / "broken", str(tmp_path / "from"))
    assert not (tmp_path / "broken").exists()


def test_check_tells_errors_apart(folder: Path) -> None:
    (folder / "chain.toml").write_text(
        TOML.replace('\n[[step]]\nname = "reply"', '\n[[step]]\nname = "reply"\nonly_if = { issues = "x" }')
    )
    done = reasoning("chain", "check", str(folder))
    assert done.returncode == 1
    assert (
        f"{folder / 'chain.toml'}:14: error: 'issues' must be a label, a choice, or yes or no, but it is items"
        in done.stdout
    )
    as_json = json.loads(reasoning("chain", "check", str(folder), "--json").stdout)
    assert [one["level"] for one in as_json["findings"]].count("error") == 1
    (folder / "chain.toml").write_text("name = \n")
    done = reasoning("chain", "check", str(folder))
    assert done.returncode == 2
    assert "chain.toml:1: invalid TOML" in done.stderr
    done = reasoning("chain", "check", "telecom_feedbak")
    assert (done.returncode, "did you mean 'telecom_feedback'" in done.stderr) == (2, True)


def test_a_step_that_a_strategy_answers_is_shown_as_that_sends_it(folder: Path) -> None:
    (folder / "chain.toml").write_text(TOML + 'strategy = "self_consistency(cot, samples=3)"\n')
    shown = reasoning("chain", "show", str(folder), "--step", "reply").stdout
    assert "prompt cot.two_stages\nuser\nReply to: {issues}\n\nLet's think step by step." in shown
    as_json = json.loads(reasoning("chain", "check", str(folder), "--json").stdout)
    count = as_json["steps"][1]["tokens"]
    assert count > 10
    assert f"about {count} tokens" in shown
    (folder / "chain.toml").write_text(TOML + 'strategy = "self_consistancy(cot)"\n')
    done = reasoning("chain", "check", str(folder))
    assert (done.returncode, done.stderr) == (1, "")
    assert "unknown strategy 'self_consistancy'" in done.stdout
    assert "replies: unknown number of calls; 1 error, " in done.stdout


def test_run_from_texts_lines_tables_and_standard_input(folder: Path, server: Server, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("slow dear\n")
    (tmp_path / "lines.jsonl").write_text(
        '{"id": "x", "feedback": "late rude"}\n\n"loud cold"\n{"feedback": "far old"}\n'
    )
    (tmp_path / "table.csv").write_text('id,feedback\n7,"wet, dark"\n')
    files = [str(tmp_path / name) for name in ("one.txt", "lines.jsonl", "table.csv")]
    code, rows, errors = run(server, folder, *files, "-", stdin="off dim")
    assert code == 0, errors
    lines = tmp_path / "lines.jsonl"
    assert [row["id"] for row in rows] == [files[0], "x", f"{lines}:3", f"{lines}:4", "7", "standard input"]
    assert [row["value"] for row in rows] == [
        f"sorry for {one}" for one in ("dear", "rude", "cold", "old", "dark", "dim")
    ]
    assert rows[0]["steps"] == {"issues": ["slow", "dear"], "reply": "sorry for dear"}
    assert "6 of 6 inputs: 6 answered" in errors
    code, again, errors = run(server, folder, *files)
    assert [row["value"] for row in again] == [row["value"] for row in rows[:-1]]
    assert "spent now: nothing" in errors
    assert server.completions == 12


def test_a_bad_input_does_not_stop_the_others(folder: Path, server: Server, tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_bytes(
        b'{"feedback": "late rude"}\n{"feedback": \n{"feed": "x", "back": "y"}\n{"feedback": ""}\n{"feedback": 3}\n'
        + b'"\xff"\n'
        + b"[" * 20_000
        + b'\n"loud cold"\n'
    )
    (tmp_path / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    (tmp_path / "long.txt").write_text("word " * 1_048_576)
    (tmp_path / "table.csv").write_text('feedback\n"a"\n"b",c\n')
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "rows.xlsx").write_bytes(b"PK\3\4")
    out = tmp_path / "out.csv"
    files = [
        str(tmp_path / name)
        for name in ("lines.jsonl", "latin.txt", "long.txt", "table.csv", "empty.txt", "gone.txt", "rows.xlsx")
    ]
    code, _, errors = run(server, folder, *files, "--out", str(out))
    assert code == 2
    with out.open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert list(rows[0]) == ["id", "state", "value", "issues", "reply", "reason", "fallbacks"]
    assert [row["state"] for row in rows] == [
        "answered",
        *["invalid"] * 6,
        "answered",
        *["invalid"] * 2,
        "answered",
        *["invalid"] * 4,
    ]
    assert rows[0]["issues"] == '["late", "rude"]'
    whys = "\n".join(row["reason"] for row in rows)
    for why in (
        "lines.jsonl:2: not JSON: Expecting value at column",
        "lines.jsonl:3: the chain 'replies' needs 'feedback'; found: feed, back",
        "lines.jsonl:4: 'feedback' is empty",
        "lines.jsonl:5: 'feedback' must be a text, got 3",
        "lines.jsonl:6: not UTF-8: byte 0xff at 1",
        "lines.jsonl:7: not JSON that can be read: it is nested too deeply",
        "latin.txt: not UTF-8: byte 0xfc at 2 (line 1); save it as UTF-8: iconv -f latin1 -t utf-8",
        "long.txt: 5,242,880 bytes are too long for one input: the limit is 200,000 characters (--max-input-chars)",
        "table.csv:3: 2 cells, but 1 columns: feedback",
        "empty.txt: 'feedback' is empty",
        "gone.txt: cannot be read: No such file or directory",
        "rows.xlsx: .xlsx files cannot be read: write it as .jsonl or .csv, or set --input-format",
    ):
        assert why in whys
    assert "invalid: " in errors
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", b"feedback;id\nlate rude;x\nloud cold;y\n"),
        ("rows.tsv", b"feedback\tid\nlate rude\tx\nloud cold\ty\n"),
        ("rows.json", b'[{"feedback": "late rude", "id": "x"},\n {"feedback": "loud cold", "id": "y"}]'),
        ("rows.csv", "feedback,id\nlate rude,x\nloud cold,y\n".encode("utf-16")),
        (
            "rows.jsonl.gz",
            gzip.compress(b'{"feedback": "late rude", "id": "x"}\n{"feedback": "loud cold","id":"y"}', mtime=0),
        ),
    ],
)
def test_tables_as_people_have_them(name: str, content: bytes, folder: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    found = list(read_inputs([str(tmp_path / name)], Chain.load(folder)))
    assert [(one.id, one.error, one.problem and one.problem.question) for one in found] == [
        ("x", "", "late rude"),
        ("y", "", "loud cold"),
    ]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ('{"txt": "late", "id": "a"}', "found: txt; rename 'txt' to 'feedback'"),
        ('{"fedback": "late", "place": "x"}', "found: fedback, place; rename 'fedback' to 'feedback'"),
        ('{"a": "late", "b": "x"}', "found: a, b"),
    ],
)
def test_a_row_without_the_input_is_invalid(row: str, found: str, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"feedback": "fine", "more": 1}}\n{row}\n')
    right, wrong = read_inputs([str(path)], Chain.load(folder))
    assert right.problem is not None
    assert wrong.problem is None
    assert wrong.error.startswith(f"{path}:2: the chain ")
    assert wrong.error.endswith(f" needs 'feedback'; {found}")


def test_damaged_files_are_invalid_inputs(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"feedback": "a"}\n' * 99)[:40])
    (tmp_path / "lines.json").write_text('{"feedback": "a"}\n{"feedback": "b"}\n')
    files = [str(tmp_path / name) for name in ("cut.jsonl.gz", "lines.json")]
    cut, lines = (one.error for one in read_inputs(files, Chain.load(folder)) if one.error)
    assert "cut.jsonl.gz: the gzip data is truncated or damaged" in cut
    assert lines.endswith("; if each line is an object, set --input-format jsonl")


def test_a_model_that_never_gives_json_ends_as_that_step(folder: Path, tmp_path: Path, server: Server) -> None:
    (folder / "chain.toml").write_text(TOML + 'returns = "json"\n')
    code, rows, errors = run(server, folder, "-", stdin="slow dear")
    assert code == 1, errors
    assert rows[0]["state"] == "unparsed"
    assert rows[0]["reason"] == "step 'reply': There is no JSON object in the reply."
    assert rows[0]["steps"] == {"issues": ["slow", "dear"]}
    assert rows[0]["calls"] == 3
    assert rows[0]["rejections"] == 2
    assert "2 rejected replies" in errors


def test_exit_codes(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text("".join(f'"word{k} more{k}"\n' for k in range(6)))
    lines = str(tmp_path / "lines.jsonl")
    with Server(say=said) as server:
        code, rows, errors = run(server, folder, lines, "--budget-calls", "5", "--concurrency", "1")
        assert code == 3, errors
        assert [row["state"] for row in rows] == ["answered", "answered"]
        assert "finished rows are kept; continue with: reasoning chain run" in errors
        code, rows, _ = run(server, folder, lines)
        assert (code, len(rows), server.completions) == (0, 6, 12)
    with Server(say=said, faults=lambda body, attempt: "400" if "word3" in body else "") as server:
        code, rows, errors = run(server, folder, lines)
        assert code == 4, errors
        assert [row["state"] for row in rows].count("failed") == 1
        assert "step 'issues'" in str(rows[3]["reason"])
    with Server(faults=lambda body, attempt: "401") as server:
        assert run(server, folder, lines, "--new-samples")[0] == 2
    assert reasoning("chain", "run", str(folder), lines, "--input-format", "xml").returncode == 2
    (tmp_path / "none.jsonl").write_text("\n")
    assert "no inputs in" in reasoning("chain", "run", str(folder), str(tmp_path / "none.jsonl")).stderr


def test_a_part_does_not_take_the_place_of_what_is_whole(folder: Path, server: Server, tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text("".join(f'"word{k} more{k}"\n' for k in range(3)))
    (tmp_path / "out.csv").write_text("whole\n")
    lines, out = str(tmp_path / "lines.jsonl"), str(tmp_path / "out.csv")
    code, _, errors = run(server, folder, lines, "--budget-calls", "1", "--concurrency", "1", "--out", out)
    assert code == 3, errors
    assert (tmp_path / "out.csv").read_text() == "whole\n"
    assert (tmp_path / "out.part.csv").read_text().startswith("id,state,value")
    assert f"results: {tmp_path / 'out.part.csv'} (incomplete)" in errors
    assert "spent now: 1 call ·" in errors  # of an input that was not finished
    code, _, errors = run(server, folder, lines, "--out", out)
    assert code == 0, errors
    assert (tmp_path / "out.csv").read_text().count("answered") == 3


def test_what_was_mended_is_told_from_what_was_answered(folder: Path, server: Server, tmp_path: Path) -> None:
    (folder / "chain.toml").write_text(TOML + 'check = "mine:short"\nfallback = "mine:cut"\n')
    (folder / "mine.py").write_text(
        "def short(value):\n    return 'Be short.' if 'else' in value or 'odd' in value else None\n\n"
        "def cut(value, before):\n    return 'cut'\n"
    )
    (tmp_path / "lines.jsonl").write_text('"slow dear"\n{"id": "=1+1", "feedback": "slow odd"}\n')
    files = (str(tmp_path / "lines.jsonl"), "--allow-code")
    code, rows, errors = run(server, folder, *files)
    assert code == 0, errors
    assert [(row["value"], row["fallbacks"]) for row in rows] == [("sorry for dear", []), ("cut", ["reply"])]
    assert "2 of 2 inputs: 2 answered; 2 rejected replies; 1 with a fallback" in errors
    run(server, folder, *files, "--out", str(tmp_path / "out.csv"))
    with (tmp_path / "out.csv").open(newline="") as table:
        told = list(csv.DictReader(table))
    assert [row["fallbacks"] for row in told] == ["", "reply"]
    assert told[1]["id"] == "'=1+1"  # no formula


def test_code_needs_leave(folder: Path, server: Server) -> None:
    (folder / "chain.toml").write_text(TOML + 'check = "mine:polite"\n')
    (folder / "mine.py").write_text("def polite(value):\n    return None if 'sorry' in value else 'Be sorry.'\n")
    code, _, errors = run(server, folder, "-", stdin="slow dear")
    assert code == 2
    assert "chain.toml:16: this chain names the function mine:polite" in errors
    assert server.completions == 0
    assert run(server, folder, "-", "--allow-code", stdin="slow dear")[0] == 0
    assert reasoning("chain", "check", str(folder)).returncode == 0


def test_inputs_that_are_used_by_name(tmp_path: Path) -> None:
    from reasoning import Prompt, Step, kinds

    chain = Chain(Step("a", Prompt(input="{x} {y}")), inputs={"x": kinds.Text(), "y": kinds.Items()})
    rows = ['{"x": "a", "y": ["b", "c"], "z": 1}', '{"x": "a", "y": {}}', '{"x": "a"}', '"a"', '{"x": "a", "y": "b;c"}']
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    path = str(tmp_path / "rows.jsonl")
    found = list(read_inputs([path, path], chain))
    assert isinstance(found[0].problem, Problem)
    assert dict(found[0].problem.inputs) == {"x": "a", "y": ["b", "c"]}
    assert [one.error.partition(": ")[2] for one in found[1:4]] == [
        "'y': the target {} is not a list of texts",
        "the chain 'chain' needs 'y'; found: x",
        "the chain 'chain' needs 'x'; found: a bare text",
    ]
    assert found[5] == ChainInput(f"{path}:1 (2)", found[5].problem)


def test_a_run_that_is_interrupted_keeps_its_finished_rows(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text("".join(f'"word{k} more{k}"\n' for k in range(40)))
    part = tmp_path / "out.part.csv"
    for end, code in ((signal.SIGINT, 130), (signal.SIGTERM, 130)):
        with Server(say=said, latency=0.05) as server:
            command = [sys.executable, "-c", "from reasoning.cli.app import main; main()", "chain", "run", str(folder)]
            command += [
                str(tmp_path / "lines.jsonl"),
                "--model",
                "mock",
                "--base-url",
                server.url,
                "--concurrency",
                "2",
            ]
            command += ["--journal", str(tmp_path / f"{end}.sqlite"), "--out", str(tmp_path / "out.csv")]
            running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            by_now(lambda: server.completions >= 12, "the run does not begin")
            running.send_signal(end)
            _, errors = running.communicate(timeout=60)
        assert running.returncode == code, errors
        assert f"the finished rows are kept in {part}" in errors
        with part.open(newline="") as table:
            rows = list(csv.DictReader(table))
        assert len(rows) >= 2
        assert {row["state"] for row in rows} == {"answered"}
        assert not (tmp_path / "out.csv").exists()
        assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("results", "results: is a folder; give the name of a file"),
        ("missing/out.csv", "missing/out.csv: cannot be written: its folder does not exist"),
    ],
)
def test_a_file_that_cannot_be_written_is_named_before_any_call(
    out: str, said: str, folder: Path, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "lines.jsonl").write_text('"a word"\n')
    (tmp_path / "results").mkdir()
    code, _, errors = run(server, folder, str(tmp_path / "lines.jsonl"), "--out", str(tmp_path / out))
    assert (code, server.asked) == (2, [])
    assert f"{tmp_path}/{said}" in errors
    assert not list(tmp_path.glob(".*"))


def test_a_run_that_stops_before_its_first_row_keeps_the_rows_of_an_earlier_one(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text("".join(f'"word{k} more{k}"\n' for k in range(3)))
    (tmp_path / "out.part.csv").write_text("of an earlier run\n")
    with Server(faults=lambda body, attempt: "401") as server:
        code, _, errors = run(server, folder, str(tmp_path / "lines.jsonl"), "--out", str(tmp_path / "out.csv"))
    assert code == 2, errors
    assert (tmp_path / "out.part.csv").read_text() == "of an earlier run\n"
    assert not (tmp_path / "out.csv").exists()
    assert not list(tmp_path.glob(".*.part"))


def test_a_budget_is_that_of_the_run_until_it_is_complete(folder: Path, server: Server, tmp_path: Path) -> None:
    rows = [{"feedback": f"{word} {word}ly said"} for word in ("slow", "dear", "rude", "late")]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    out, ledger = tmp_path / "out.jsonl", tmp_path / ".out.jsonl.spending.jsonl"

    def start(calls: int, *more: str) -> tuple[int, str]:
        code, _, said = run(
            server, folder, str(tmp_path / "rows.jsonl"), "--out", str(out), "--budget-calls", str(calls), *more
        )
        return code, said

    code, said = start(3)
    assert (code, server.completions) == (3, 3)
    assert "left of the budget: calls=0" in said
    assert "0 of 4 inputs\n" in said
    code, said = start(3)
    assert (code, server.completions) == (3, 3)
    assert "spent by earlier commands of this run: 3 calls" in said
    assert "with a larger budget, continue with: reasoning chain run" in said
    assert "--budget-calls 6" in said
    code, said = start(200)
    assert (code, ledger.exists()) == (0, False)
    needed = server.completions
    assert f"left of the budget: calls={200 - needed}" in said
    # Another run of the same inputs costs nothing, and new samples have a budget of their own.
    assert start(1)[0] == 0
    assert server.completions == needed
    for _ in range(2):
        assert start(2, "--new-samples")[0] == 3
        assert server.completions == needed + 2
    # The same command continues with the samples that it has paid for.
    assert start(200, "--new-samples")[0] == 0
    assert server.completions == 2 * needed
    with closing(Ledger(ledger, lambda usage: None)):
        code, said = start(3)
        assert (code, "another process" in said) == (2, True)


BATCH = """\
name = "counted"

[inputs]
texts = { kind = "json", shape = "array" }

[[step]]
name = "found"
prompt = "issues.md"
for_each = "feedback in texts"
returns = "items"

[[step]]
name = "table"
reads = ["found"]
function = "count:count"
returns = { kind = "json", shape = "array" }
"""
COUNT = """\
def count(found):
    words = [word for issues in found for word in issues]
    return [{"issue": word, "number": words.count(word)} for word in dict.fromkeys(words)]
"""


def test_run_together_writes_one_table(folder: Path, server: Server, tmp_path: Path) -> None:
    (folder / "batch.toml").write_text(BATCH)
    (folder / "count.py").write_text(COUNT)
    (tmp_path / "table.csv").write_text('id,feedback\n1,slow dear\n2,"  "\n3,slow rude\n')
    (tmp_path / "one.txt").write_text("=dear\n")
    files = [str(tmp_path / "table.csv"), str(tmp_path / "one.txt")]
    batch, out = folder / "batch.toml", tmp_path / "out.csv"
    model = ("--model", "mock", "--base-url", server.url, "--journal", str(tmp_path / "journal.sqlite"), "--allow-code")
    command = ("chain", "run", str(batch), *files, "--together", *model)
    done = reasoning(*command, "--out", str(out))
    assert done.returncode == 2, done.stderr  # an empty row
    assert f"invalid: {files[0]}:3: 'feedback' is empty" in done.stderr
    assert "3 inputs together: answered" in done.stderr
    header, *rows = out.read_text().splitlines()
    assert header == "issue,number"
    assert rows[0] == "slow,2"
    assert not any(row.startswith("=") for row in rows)  # no spreadsheet runs it
    again = reasoning(*command)
    assert "spent now: nothing" in again.stderr
    assert "slow" in again.stdout
    wrong = reasoning("chain", "run", str(folder), files[1], "--together", *model)
    assert (wrong.returncode, "--together needs a chain with one input, a list" in wrong.stderr) == (2, True)
    budget = reasoning(*command, "--new-samples", "--budget-tokens", "1", "--out", str(out))
    assert (budget.returncode, "the calls so far are kept" in budget.stderr) == (3, True)
    assert out.read_text().startswith("issue,number")
