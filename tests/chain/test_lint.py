"""What `chain check` finds without a call: kinds that do not fit, steps of no use, secrets, lengths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reasoning import Chain, Prompt, Step, kinds
from reasoning.chain.lint import lint, lint_folder
from reasoning.chain.prompt_preview import prompt_tokens
from reasoning.secret_scan import find_secrets
from reasoning.token_estimate import estimate_tokens
from tests.chain.functions import merged
from tests.chain.test_folder import FOLDER, TOML, write

WHOLE = kinds.Text(whole=True)
MOOD = Step("mood", Prompt(input="{text}: {direct_instruction}"), returns=kinds.Label(("glad", "angry")))
LIST = Step("list", Prompt(input="{text} {direct_instruction}"), returns=kinds.Items())
INNER = Chain(Step("word", Prompt(input="{claims}")), inputs={"claims": kinds.Items()})


def ask(text: str, name: str = "last", **more: Any) -> Step:
    return Step(name, Prompt(input=text), **more)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ((MOOD, ask("{item}", for_each="item in mood")), "'mood' must be a list, but it is a label: glad · angry"),
        ((ask("{text}", returns=kinds.Spans(["problem"])),), "spans lie in one text, so a step needs it"),
        ((ask("{item}", for_each="item in text"),), "'text' must be a list, but it is a text"),
        ((MOOD, ask("{text}", only_if={"mood": "agry"})), "'mood' is never 'agry'; did you mean 'angry'"),
        (
            (LIST, ask("{text}", only_if={"list": "a"})),
            "'list' must be a label, a choice, or yes or no, but it is items",
        ),
        ((MOOD, LIST, Step("last", first_of=("mood", "list"))), "'mood' is a label: glad · angry and 'list' is items"),
        (
            (MOOD, Step("last", chain=INNER, rename={"claims": "mood"})),
            "inner chain's 'claims' must be items, but it gets a label",
        ),
        (
            (LIST, Step("last", chain=INNER, rename={"claim": "list", "claims": "list"})),
            "no input 'claim'; did you mean 'claims'",
        ),
        ((LIST, ask("{list}", strategy="cott")), "unknown strategy 'cott'.* did you mean 'cot'"),
        ((LIST, ask("{list}", strategy="three_hop", returns=kinds.Items())), "three_hop gives answers of the kinds"),
        (
            (MOOD, Step("last", function=merged, rename={"issues": "mood"})),
            "merged takes 'issues' as tuple, but it gets a label",
        ),
        (
            (LIST, Step("last", function=merged, reads=("isues",), rename={"isues": "list"})),
            "merged has no parameter 'isues'; did you mean 'issues'",
        ),
        ((LIST, ask("{text}")), "nothing uses the step 'list'; if its result is wanted, set keep = true"),
        ((MOOD, ask("{text}", only_if={"mood": "glad"})), "the last step may be skipped"),
        ((MOOD, ask("{text}", "one", only_if={"mood": "glad"}), ask("{one}")), "the last step may be skipped"),
        ((MOOD, ask("{moood}")), r"\{moood\} is an input; did you mean the step \{mood\}"),
        (
            (Step("last", chain=Chain(MOOD), returns=kinds.Label(("good", "bad"))),),
            "the inner chain gives a label: glad · angry, not a label: good · bad: leave returns out",
        ),
        (
            (Step("last", chain=Chain(LIST), returns=kinds.Items(sep="|")),),
            r"gives Items\(\), not Items\(sep='\|'\)",
        ),
        ((ask("{Text} {text}"),), r"\{Text\} is not a placeholder and is sent as it is; did you mean \{text\}"),
        ((LIST, ask("{ list } {list}")), r"\{ list \} is not a placeholder"),
        ((ask("{text} {text.name}"),), r"\{text.name\} is not a placeholder"),
        ((ask("{text}", returns=kinds.Json()),), "does not say what JSON must look like"),
        ((ask("{text}", max_attempts=2),), "all attempts ask the same at temperature 0"),
        (
            (ask("{text}", sampling={"temprature": 1}),),
            "unknown sampling parameter 'temprature'; did you mean 'temperature'",
        ),
        ((ask("word " * 4000 + "{text}"),), "about 4,00[0-9] tokens before any value is filled in"),
    ],
)
def test_what_does_not_fit(steps: tuple[Step, ...], says: str) -> None:
    import re

    found = [str(one) for one in lint(Chain(*steps))]
    assert any(re.search(says, one) for one in found), found


def test_what_fits_is_not_complained_about() -> None:
    chain = Chain(
        MOOD,
        LIST,
        ask('{item} {{Item}} {"list": 1} {list: item} {Other}', "each", for_each="item in list"),
        ask("{item}", "again", for_each="item in each"),
        Step("merged", function=merged, rename={"issues": "list"}, returns=kinds.Items()),
        Step("inner", chain=INNER, rename={"claims": "merged"}),
        ask("{again} {inner} {text}", "glad", only_if={"mood": "glad"}),
        ask("{text}", "angry", only_if={"mood": "angry"}),
        Step("end", first_of=("glad", "angry")),
    )
    assert lint(chain) == []


def test_an_unused_input_and_a_step_that_is_kept() -> None:
    takes = {"text": WHOLE, "more": WHOLE}
    chain = Chain(Step("a", Prompt(input="{text}"), keep=True), Step("b", Prompt(input="{text}")), inputs=takes)
    assert [str(one) for one in lint(chain)] == ["the chain: error: nothing uses the input 'more'"]


def test_a_finding_has_its_file_and_line(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "replies", chain=TOML.replace("[inputs]\n", '[inputs]\nmore = "text"\n') + "max_attempts = 2\n"
    )
    (folder / "issues.md").write_text(FOLDER["issues.md"] + "\n# Context\n\nkey: sk-proj-1234567890abcdefghij\n")
    chain, found = lint_folder(folder)
    assert chain.name == "replies"
    toml, issues = folder / "chain.toml", folder / "issues.md"
    assert [one.location for one in found] == [f"{toml}:4", f"{toml}:10", f"{toml}:17", f"{issues}:11"]
    assert "provider's key" in found[-1].message
    assert "1234567890" not in found[-1].message


def test_a_dont_that_the_plain_form_would_turn_round(tmp_path: Path) -> None:
    text = "# Constraints\n\n## Don't\n\n- {}\n- Invent issues.\n\n# Input\n\n{{feedback}}\n"
    folder = write(tmp_path / "replies", issues=text.format("Do not lie."))
    _, found = lint_folder(folder)
    assert [one.location for one in found if one.level == "error"] == [f"{folder / 'issues.md'}:6"]
    assert "'Invent issues.' under Don't would be sent as an instruction: write 'Do not …'" in found[0].message
    toml = TOML.replace('"issues.md"', '"issues.md"\nform = "markdown"')
    (folder / "chain.toml").write_text(toml)
    assert [one.level for one in lint_folder(folder)[1]] == ["warning"]  # that items are to be given
    lines = ("Don't lie.", "Don’t.", "Never lie.", "No lies.", "Avoid lies.", "**Do not** lie.", "You must not lie.")
    for line in (*lines, "Under no circumstances lie.", "Erfinde keine Themen.", "N'inventez rien.", "不要编造。"):
        assert lint(Chain(Step("a", Prompt(input="{q}", donts=(line,))))) == [], line
    for line in ("Lie.", "Notes around the JSON.", "Invent non-existent issues.", "Add what is not there."):
        assert len(lint(Chain(Step("a", Prompt(input="{q}", donts=(line,)))))) == 1, line


def test_findings_of_a_chain_within(tmp_path: Path) -> None:
    inner = Chain(Step("a", Prompt(input="{text}")), Step("b", Prompt(input="{text}")))
    Chain(Step("outer", chain=inner)).save(tmp_path / "c")
    _, found = lint_folder(tmp_path / "c")
    assert [str(one) for one in found] == [
        f"{tmp_path / 'c' / 'outer' / 'chain.toml'}:4: error: nothing uses the step 'a'; "
        "if its result is wanted, set keep = true"
    ]


def test_what_code_reads_is_known_without_running_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "replies", mine="1 / 0\n\ndef merge(issues, *, sep='; '):\n    return sep.join(issues)\n")
    with (folder / "chain.toml").open("a") as toml:
        toml.write('[[step]]\nname = "merged"\nfunction = "mine:merge"\n')
    chain, found = lint_folder(folder)
    assert chain.step("merged").dependencies == {"issues"}
    assert any("the function mine:merge was not checked" in one.message and one.level == "warning" for one in found)


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-abcDEF1234567890abcd",
        "AIzaSyA1234567890abcdefghijklmnopqrstuvw",
        "ghp_1234567890abcdefghijABCDEFGHIJ",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----",
        "https://me:s3cret@db.example.org/x",
        "Authorization: Bearer abcdef0123456789abcdef",
        "password = hunter2hunter",
        'api_key: "a1b2c3d4e5f6"',
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh",
    ],
)
def test_secrets_are_found(text: str) -> None:
    assert [line for line, _ in find_secrets(f"first line\nhere: {text}\n")][:1] == [2]


def test_what_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (
        "The password: write it down.",
        "sk-learn is a library",
        "https://example.org/a:b",
        "Secret: keep it.",
    ):
        assert list(find_secrets(text)) == []
    monkeypatch.setenv("SHOP_API_KEY", "plainword-without-digits")
    assert list(find_secrets("say plainword-without-digits")) == [(1, "the value of $SHOP_API_KEY")]


def test_tokens_are_about_right() -> None:
    assert estimate_tokens("") == 0
    # What o200k_base counts.
    texts = {
        "Mein Internet fällt jeden Abend aus, und die Rechnung ist schon wieder gestiegen, ohne dass mir jemand "
        "Bescheid gesagt hätte. Außerdem war die Störungsstelle zwei Stunden nicht erreichbar.": 48,
        "J'ai été facturé deux fois pour le même mois et personne ne répond au téléphone.": 19,
    }
    for text, counted in texts.items():
        assert abs(estimate_tokens(text) - counted) <= counted / 3
    assert prompt_tokens(Step("a", function=len, reads=("x",))) is None
