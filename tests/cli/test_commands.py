"""The help of all commands, and the options that they share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from reasoning.cli.app import app
from reasoning.cli.options import PANELS
from reasoning.engine.connect import connect
from tests.command_line import reasoning

MODEL_COMMANDS = (
    *("ask", "bench run", "advise", "annotate", "chain run", "chain test", "chain eval", "chain compare"),
    "chain generate",
)


def commands(group: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command and group with its name."""
    group = group or app()
    yield name, group
    for word, command in getattr(group, "commands", {}).items():
        yield from commands(command, f"{name} {word}".strip())


ALL = dict(commands())


def options(name: str) -> set[str]:
    return {word for param in ALL[name].params if param.param_type_name == "option" for word in param.opts}


def sections(text: str) -> dict[str, str]:
    """Return the sections of a help text by their titles."""
    parts = re.split(r"^(\S.*):\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", MODEL_COMMANDS)
def test_every_command_with_a_model_has_the_same_options_for_it_and_its_budget(name: str) -> None:
    model = "--model -m --base-url --max-tokens --temperature --top-p --sampling --sandbox"
    budget = "--budget-usd --budget-tokens --budget-calls --budget-seconds"
    rates = "--concurrency --requests-per-minute --tokens-per-minute --timeout --max-outage --share-limits"
    assert {*f"{model} {budget} {rates} --warm-prefix --journal --no-journal".split()} <= options(name)


@pytest.mark.parametrize("name", sorted(ALL))
def test_help_is_readable_at_eighty_columns(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    command = ALL[name]
    with command.make_context(name.split()[-1] if name else "reasoning", [], resilient_parsing=True) as context:
        text = command.get_help(context)
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"<\w+|x>=", text), "an option has no metavar"
    for param in command.params:
        if param.param_type_name == "option" and not param.hidden:
            assert f"{param.opts[0]}" in text
    listed = list(sections(text))
    assert [title for title in listed if title in PANELS] == [title for title in PANELS if title in listed]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("bench run", "--task --strategies --model --base-url --limit --max-tokens --budget-usd"),
        ("advise", "--task --strategies --model --base-url --limit --max-tokens --budget-usd"),
        ("ask", "--strategy --model --base-url --max-tokens --budget-usd"),
    ],
)
def test_the_options_that_matter_come_first(name: str, first: str) -> None:
    found = sections(reasoning(*name.split(), "--help").stdout)
    matter = re.findall(r"^  (?:-\w, )?(--[\w-]+)", found["Options"], re.MULTILINE)
    assert matter[: len(first.split())] == first.split()
    assert len(matter) <= 16
    assert "--concurrency" not in matter
    assert "--concurrency" in found["More on rate limits and failures"]


def test_sampling_parameters_reach_the_model(tmp_path: Any) -> None:
    from reasoning.cli.options import BudgetOptions, JournalOptions, ModelOptions, RateOptions

    options = ModelOptions(
        BudgetOptions(), RateOptions(), JournalOptions(no_journal=True), top_p=0.9, max_tokens=5,
        sampling=["seed=7", "reasoning_effort=low", 'stop=["\\n", "END"]'],
    )  # fmt: skip
    expected = {"top_p": 0.9, "max_tokens": 5, "seed": 7, "reasoning_effort": "low", "stop": ["\n", "END"]}
    (tmp_path / "said.jsonl").write_text('{"question": "x", "samples": ["y"]}\n')
    model = f"replay:{tmp_path / 'said.jsonl'}"
    with options.connect(model) as llm, connect(model, journal=False, **expected) as same:
        assert dict(llm.sampling) == dict(same.sampling)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sampling", "seed"], "--sampling must be NAME=VALUE"),
        (["--sampling", "seed=1", "--sampling", "seed=2"], "must be given once"),
        (["--sampling", "temperatur=1"], "did you mean 'temperature'?"),
        # Not passed on to `connect`, which has a parameter of this name.
        (["--sampling", "timeout=1"], "unknown setting 'timeout' of --sampling"),
        (["--sampling", "api_key=abc"], "looks like a key or a header"),
        (["--top-p", "2"], "--top-p"),
    ],
)
def test_a_wrong_sampling_parameter_is_refused(words: list[str], said: str) -> None:
    done = reasoning("ask", "Why?", "--model", "openai/gpt-4o-mini", "--no-journal", *words)
    assert said in done.stderr
    assert done.returncode == 2
