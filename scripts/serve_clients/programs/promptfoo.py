"""promptfoo: an evaluation of its own, from a configuration file. It runs as a command, with Node."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from serve_clients.programs.checks import NoWay, Setting, expect, read_setting, run, unique

QUESTIONS = 4


def evaluate(at: Setting, name: str, provider: str = "", suffix: str = "", **config: Any) -> list[Any]:
    """Run an evaluation, and return its results."""
    folder = Path(at.state) / f"promptfoo-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    key = config.pop("key", at.key)
    answer = r"\d" if at.upstream else r"\S"
    written = {
        "prompts": ["{{question}}"],
        "providers": [
            {"id": provider or f"openai:chat:{at.alias}", "config": {"apiBaseUrl": at.url, "apiKey": key, **config}}
        ],
        "tests": [
            {
                "vars": {"question": unique() + suffix},
                "assert": [{"type": "regex", "value": answer}],
            }
            for _ in range(QUESTIONS)
        ],
    }
    (folder / "config.json").write_text(json.dumps(written))
    environment = {
        **os.environ,
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
        "PROMPTFOO_SELF_HOSTED": "1",
        "PROMPTFOO_CONFIG_DIR": str(folder / "home"),
    }
    program = str(Path(at.environment) / "node_modules" / ".bin" / "promptfoo")
    command = [program, "eval", "-c", "config.json", "-o", "out.json", "--no-cache", "--no-table", "--no-progress-bar"]
    (folder / "out.json").unlink(missing_ok=True)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    if not (folder / "out.json").exists():
        raise AssertionError((done.stderr or done.stdout)[-300:])
    results: list[Any] = json.loads((folder / "out.json").read_text())["results"]["results"]
    return results


def chat(at: Setting) -> None:
    results = evaluate(at, "chat")
    expect(len(results) == QUESTIONS, f"{len(results)} results")
    expect(all(row["success"] for row in results), results[0])


def responses(at: Setting) -> None:
    results = evaluate(at, "responses", f"openai:responses:{at.alias}")
    expect(all(row["success"] for row in results), results[0])


def structured(at: Setting) -> None:
    at.needs_mock()
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "integer"}, "unit": {"type": "string"}},
        "required": ["answer", "unit"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "found", "strict": True, "schema": schema}}
    for row in evaluate(at, "structured", suffix=" [json]", response_format=form):
        output = row["response"]["output"]
        found = json.loads(output) if isinstance(output, str) else output
        expect(found == {"answer": 42, "unit": "apples"}, row)


def usage(at: Setting) -> None:
    before = at.seen()
    results = evaluate(at, "usage", f"openai:chat:{at.steps}")
    after = at.seen()
    for name, theirs in (("prompt_tokens", "prompt"), ("completion_tokens", "completion")):
        found = sum(row["response"]["tokenUsage"][theirs] for row in results)
        spent = after[name] - before[name]
        expect(found == spent, f"{name}: {found}, but {spent} were billed")


def extension(at: Setting) -> None:
    asked = at.seen()["requests"]
    results = evaluate(at, "extension", passthrough={"kind": "number", "series": "new"})
    expect(all(row["success"] for row in results), results[0])
    expect(at.seen()["requests"] - asked == QUESTIONS, "one request for each question")


def errors(at: Setting) -> None:
    for row in evaluate(at, "errors", "openai:chat:no-such-alias"):
        expect("404" in row["error"] or "no-such-alias" in row["error"], row["error"])


def keys(at: Setting) -> None:
    for row in evaluate(at, "keys", key="wrong"):
        expect("401" in row["error"] or "key" in row["error"], row["error"])


def evaluation(at: Setting) -> None:
    if not at.upstream:
        raise NoWay("a small model's answers are not known")
    expect(all(row["success"] and row["score"] == 1 for row in evaluate(at, "evaluation")), "a failed test")


if __name__ == "__main__":
    setting = read_setting()
    package = Path(setting.environment) / "node_modules" / "promptfoo" / "package.json"
    run(
        "promptfoo",
        {
            "chat": chat,
            "responses": responses,
            "structured": structured,
            "usage": usage,
            "extension": extension,
            "errors": errors,
            "keys": keys,
            "evaluation": evaluation,
        },
        setting,
        json.loads(package.read_text())["version"],
    )
