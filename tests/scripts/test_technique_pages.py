"""The pages about the techniques: up to date with the code, whole, and safe from what models and data say."""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from technique_pages import by_task, example, markdown, tables
from technique_pages.card import card_part
from technique_pages.docstring import Docstring, meanings
from technique_pages.index import MECHANISMS, index
from technique_pages.page import Page
from technique_pages.sections import read_sections
from technique_pages.worked_examples import ExampleSolve, example_for

import reasoning
from reasoning import Problem, kinds, strategies
from reasoning.benchmarks.statistics.paired import mcnemar
from reasoning.chain import Chain
from reasoning.registry import places
from reasoning.testing import ScriptedLLM
from reasoning.text_safety import strip_control

ROOT = Path(reasoning.__file__).parent.parent
PAGES = [*sorted((ROOT / "docs/reference/techniques").glob("*.md")), *(ROOT / "docs/research").glob("results.md")]
HOSTILE = "```\n<img src=x onerror=alert(1)>\n````text\n</details>\n## Example\n\n<!-- made by scripts/cards"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """`scripts/cards`, as a module."""
    loader = SourceFileLoader("cards", str(ROOT / "scripts/cards"))
    spec = importlib.util.spec_from_loader("cards", loader)
    assert spec
    made = sys.modules["cards"] = importlib.util.module_from_spec(spec)
    loader.exec_module(made)
    return made


def parsed(text: str) -> list[Token]:
    """The tokens of a page, by CommonMark with tables; those of a line too."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [inner for token in tokens for inner in (token, *(token.children or ()))]


def html(text: str) -> list[str]:
    """Whatever in a page is HTML, tag by tag."""
    found = [token.content for token in parsed(text) if token.type in ("html_block", "html_inline")]
    return [tag for block in found for tag in re.findall(r"<[^>]*>?", block)]


def test_the_pages_are_those_of_the_code(script: ModuleType) -> None:
    assert script.stale() == [], "run scripts/cards, and scripts/cards NAME --model local for the example of a new one"


def test_writing_renews_a_part_and_keeps_the_others(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "RESULTS", tmp_path / "results.md")
    monkeypatch.setattr(script, "FOLDER", tmp_path / "techniques")
    script.RESULTS.write_text("# Measured results\n", encoding="utf-8")
    path = tmp_path / "techniques/cot.md"
    path.parent.mkdir()
    path.write_text(str(Page("# An old card\n", "Rows.\n", f"{markdown.fence(HOSTILE)}\n")), encoding="utf-8")
    assert {"cot.md", "vanilla.md", "results.md"} <= set(script.stale())
    script.write(["cot"], None, 1, [])
    page = Page.of(path.read_text(encoding="utf-8"))
    assert page == (card_part("cot", example_for("cot")), tables.NONE, f"{markdown.fence(HOSTILE)}\n")
    assert script.stale() == []
    path.with_name("forgotten.md").write_text("# Nothing\n", encoding="utf-8")
    assert script.stale() == ["forgotten.md"]


def test_the_page_of_chain_of_symbol_says_what_its_shipped_examples_save() -> None:
    saving = strategies.get("chain_of_symbol").saving
    assert f"| tokens saved | {saving} |" in card_part("chain_of_symbol", example_for("chain_of_symbol"))
    assert "tokens saved" not in card_part("cot", example_for("cot"))


def test_a_list_in_a_docstring_has_a_line_for_each_item() -> None:
    listed = next(part for part in Docstring.of(strategies.get("back_off")).paragraphs if part.startswith("- "))
    assert [line[:11] for line in listed.splitlines()] == ["- `back_off", "- `back_off"]


def test_every_technique_has_a_page_and_a_place_in_the_index() -> None:
    assert {f"{name}.md" for name in places()} | {"README.md"} == {path.name for path in PAGES[:-1]}
    assert {place.split(".")[2] for place in places().values()} <= set(MECHANISMS)
    for name in places():
        assert f"]({name}.md) |" in index()


@pytest.mark.parametrize("name", sorted(places()))
def test_every_parameter_has_a_meaning(name: str) -> None:
    strategy = strategies.get(name)
    if isinstance(strategy, Chain):
        return
    said = meanings(strategy)
    assert [parameter for parameter, meaning in said.items() if not meaning] == []
    assert Docstring.of(strategy).parameters.keys() <= said.keys()  # none is told of that is not there
    assert example_for(name).strategy.card.name == name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_links_to_what_is_there_and_has_no_html_but_ours(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = [str(token.attrs["href"]) for token in parsed(text) if token.type == "link_open"]
    targets = [target for target in links if not target.startswith(("https://arxiv.org/abs/", "https://doi.org/10."))]
    assert targets
    assert [target for target in targets if not (path.parent / target).exists()] == []
    tags = html(text)
    for tag in tags:
        assert re.fullmatch(r"</?(details|summary)>|<!-- made by scripts/cards --\w+ \w+ -->", tag), tag
    assert tags.count("<details>") == tags.count("</details>") == tags.count("<summary>")


@pytest.mark.parametrize("text", ["", "`", "```", "a\n````\nb", "~~~\n</details>", HOSTILE, "\x1b[2J\u202e", "\r```"])
def test_a_text_stays_within_its_fence(text: str) -> None:
    tokens = parsed(f"before\n\n{markdown.fence(text)}\n\nafter")
    assert [token.type for token in tokens if token.level == 0 and token.type in ("fence", "paragraph_open")] == [
        "paragraph_open",
        "fence",
        "paragraph_open",
    ]
    assert [token.content for token in tokens if token.type == "fence"] == [f"{strip_control(text)}\n"]


@pytest.mark.parametrize("text", ["a", "`", "``", "a`b", "`a``b`", "<b>\nc", "|", "[x](y) **z**"])
def test_a_text_stays_within_its_code(text: str) -> None:
    [inline] = [token for token in parsed(f"x {markdown.code(text)} y") if token.type == "inline"]
    assert inline.children
    assert [token.type for token in inline.children] == ["text", "code_inline", "text"]
    assert inline.children[1].content == " ".join(text.split())


def test_words_of_ours_keep_their_code_and_get_their_links() -> None:
    said = markdown.prose("a*b < c -> `d*e<f` (arXiv 2305.10601; doi 10.1108/ijwis-12-2023-0249).")
    assert said == (
        r"a\*b &lt; c → `d*e<f` ([arXiv 2305.10601](https://arxiv.org/abs/2305.10601); "
        "[doi 10.1108/ijwis-12-2023-0249](https://doi.org/10.1108/ijwis-12-2023-0249))."
    )
    assert markdown.table(["a", "b"], [["`x|y`", "1"]], 1) == "| a | b |\n| --- | ---: |\n| `x\\|y` | 1 |"


def test_an_example_shows_what_was_asked_and_said_and_whether_it_is_right() -> None:
    on = ExampleSolve(strategies.get("cot"), Problem("What is 2 + 3? <b>", kinds.Number()), 5)
    told = example.example_part(on, ScriptedLLM([f"I think {HOSTILE}", "6."]))
    assert HOSTILE in told
    assert "**Answer:** `6` (2 calls" in told
    assert "The answer is wrong; `5` is right." in told
    assert "2 turns as above" in told  # the second stage continues the conversation
    assert html(told) == ["<details>", "<summary>", "</summary>", "</details>"] * 2
    page = Page(card_part("cot", on), "Rows.\n", told)
    assert Page.of(str(page)) == page
    right = example.example_part(on, ScriptedLLM(["The answer is 5."]))
    assert "The answer is right." in right
    assert "**No answer:**" in example.example_part(on, ScriptedLLM(["No idea.", "None."]))


def test_an_example_is_bounded() -> None:
    on = ExampleSolve(strategies.get("sc(cot(stages=1), samples=2)"), Problem("Why?"))
    told = example.example_part(on, ScriptedLLM(lambda turns: "x" * 100_000))
    assert len(told) < 10_000
    assert "(97,600 more characters)" in told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("vanilla", "calls a problem | 1, in 1 round |"),
        ("three_hop", "as a formula | `3 * samples + 1`, in 4 rounds |"),
        ("plan_and_solve", "as a formula | `1 + e`, in the same number of rounds; e: 1 if"),
        ("instructed", "as a formula | `base`, in `base` rounds; base: the base strategy"),
        ("ensemble_refinement", "as a formula | `drafts * base + samples`, in `base + 1` rounds; base:"),
    ],
)
def test_a_page_says_in_how_many_rounds_the_calls_go_out(name: str, told: str) -> None:
    assert f"| {told}" in card_part(name, example_for(name))


def test_a_chain_has_no_rounds() -> None:
    [row] = [
        line
        for line in card_part("telecom_feedback", example_for("telecom_feedback")).splitlines()
        if "| calls" in line
    ]
    assert "round" not in row


def test_a_page_that_has_no_example_yet_says_so() -> None:
    page = Page.of("# A title\n")
    assert page == ("# A title\n", tables.NONE, example.NONE)
    assert Page.of(str(page)) == page


def test_techniques_by_task_name_what_exists_and_measured_numbers_are_those_of_the_results() -> None:
    """The page is generated; every technique of the library is on it, and every number is a row of the results."""
    results = (ROOT / "docs" / "research" / "results.md").read_text(encoding="utf-8")
    text = (ROOT / "docs" / "reference" / "techniques-by-task.md").read_text(encoding="utf-8")
    assert text == by_task.page(read_sections(results))
    listed = set(re.findall(r"\]\(techniques/(\w+)\.md\)", text))
    assert listed <= set(places())
    # Wrappers around other techniques that no paper reports for a task, and a check of formats.
    assert set(places()) - listed == {"at", "rendered", "faithful_cot"}
    said = re.findall(r"`([^`]+)`( †)? ([\d.]+ %)", text)
    assert len(said) > 20
    for spec, mark, accuracy in said:
        assert re.search(rf"\[`{re.escape(spec)}`\]\([^)]*\){mark} \| {re.escape(accuracy)} \|", results), spec


def test_a_measured_task_names_its_best_rows_and_says_if_they_differ() -> None:
    page = (
        "# Results\n\n## gym:chain\\_sum · 48 problems · local:x\n\n"
        "| [`pal`](a/pal.md) † | 90.0 % | 1–2 | 1.0 | 9 | 1.0 | **+50.0 (+40 to +60)**, p = 0.01 | x | 0 |\n"
        "| [`cot`](a/cot.md) | 40.0 % | 1–2 | 1.0 | 9 | 1.0 | – | x | 0 |\n"
    )
    [section] = read_sections(page)
    assert section.subject == ("gym:chain_sum", 48, "local:x")
    assert by_task.describe(section) == (
        "Measured here, `gym:chain_sum` with `local:x`, 48 problems, the best of 2 specs: `pal` † 90.0 %, `cot` 40.0 "
        "%; significantly better than `cot`: `pal`. † With earlier prompts."
    )


def test_the_results_say_which_differences_their_problems_can_show() -> None:
    results = (ROOT / "docs" / "research" / "results.md").read_text(encoding="utf-8")
    assert tables.least_difference() == 6
    assert mcnemar(6, 0) < 0.05 <= mcnemar(5, 0)
    for paragraph in tables._ABOUT:
        assert tables._wrap(paragraph) in results
