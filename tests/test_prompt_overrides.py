"""Prompts by name: each is shown as it is sent, replaced, varied and put into other formats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reasoning import Chain, Corpus, Document, Problem, Prompt, Step, strategies
from reasoning.cli import config
from reasoning.errors import InputError, SpecError, UnknownName, UsageError
from reasoning.kinds import Number
from reasoning.prompt_overrides import (
    map_prompts,
    override_prompts,
    preview_prompts,
    prompt_variants,
    prompts,
)
from reasoning.registry import places
from reasoning.strategies.cli import prompts_app, strategies_app
from reasoning.strategies.direct.prompt_format import format_variants, sample_problem
from reasoning.testing import ScriptedLLM
from tests import call_counts

PROBLEM = Problem("What is 2 + 2?", Number())


def sent(spec: str, *settings: str) -> str:
    llm = ScriptedLLM(lambda messages: "The answer is 4.")
    override_prompts([strategies.get(spec)], settings)[0].run(PROBLEM, llm)
    return llm.prompts[0]


@pytest.mark.parametrize("name", places())
def test_every_prompt_of_every_technique_is_shown_and_comes_back_from_its_spec(name: str) -> None:
    strategy = strategies.get(name)
    known = prompts(strategy)
    assert any(isinstance(one, Prompt) for one in known.values())
    shown = preview_prompts(strategy, sample_problem(strategy))
    assert set(shown) == {prompt for prompt, one in known.items() if isinstance(one, Prompt)}
    assert all(turn.content.strip() for turns in shown.values() for turn in turns.messages)
    marked = map_prompts(
        strategy, lambda _, one: f"{one} §" if isinstance(one, str) else one.replace(recap=f"{one.recap} §")
    )
    assert marked != strategy
    assert all("§" in (one if isinstance(one, str) else one.recap) for one in prompts(marked).values())
    if not isinstance(strategy, Chain) and name != "decomposed":  # a spec does not hold handlers
        assert strategies.get(repr(marked)) == marked
    if "§" in repr(marked) and name not in ("guided", "chain_of_event"):  # these lack what they are about
        assert "§" in str(list(preview_prompts(marked, sample_problem(marked)).values()))


def test_what_is_shown_is_what_is_sent() -> None:
    for spec in ("cot", "cot(shots=2)", "least_to_most", "instructed(cot)", "rendered(vanilla, form='json')", "pal"):
        strategy = strategies.get(spec)
        llm = ScriptedLLM(lambda messages: "The answer is 4.")
        strategy.run(sample_problem(strategy), llm)
        assert llm.requests[0].messages in [
            turns.messages for turns in preview_prompts(strategy, sample_problem(strategy)).values()
        ]


def test_a_prompt_that_is_filled_for_each_demonstration_is_shown_as_it_is_sent() -> None:
    corpus = Corpus("rivers", [Document("The Orla flows into the Wenn.", title="Orla")])
    strategy, problem = strategies.get("react"), Problem("Into which river does the Orla flow?", corpus=corpus)
    llm = ScriptedLLM(["Action 1: Finish[Wenn]"])
    strategy.run(problem, llm)
    assert llm.requests[0].messages == preview_prompts(strategy, problem)["react.steps"].messages


def test_a_phrase_is_replaced_within_wrappers_too() -> None:
    assert sent("cot", "cot.trigger=Breathe in = out.").endswith("\n\nBreathe in = out.")
    assert sent("sc(cot, samples=2)", "chain_of_thought.trigger=Breathe.").endswith("\n\nBreathe.")
    found = override_prompts([strategies.get("sc(cot, samples=2)")], ["cot.trigger=Breathe."])[0]
    assert repr(found) == "self_consistency(cot(trigger='Breathe.'), samples=2)"


def test_a_whole_prompt_a_section_and_a_file(tmp_path: Path) -> None:
    assert sent("vanilla", "vanilla.prompt=Quick! {problem} {direct_instruction}").startswith(
        "user: Quick! What is 2 + 2? Reply"
    )
    assert sent("vanilla", "vanilla.prompt.objective=Add.").startswith("system: Add.\nuser: What is 2 + 2?")
    assert "- Add.\n- Check." in sent("vanilla", "vanilla.prompt.dos=Add.\nCheck.")
    both = sent("vanilla", "vanilla.prompt.form=xml", "vanilla.prompt.turns=single", "vanilla.prompt.objective=Add.")
    assert "<objective>\nAdd.\n</objective>\n\n<input>" in both
    (tmp_path / "mine.md").write_text(
        "# Instructions\n\nAdd slowly.\n\n# Input\n\n{problem}\n\n# Recap\n\n{direct_instruction}\n"
    )
    assert sent("vanilla", f"vanilla.prompt=@{tmp_path}/mine.md").startswith("system: Add slowly.\nuser: What is 2")
    (tmp_path / "phrase.txt").write_text("Breathe.\n")
    assert sent("cot", f"cot.trigger=@{tmp_path}/phrase.txt").endswith("Breathe.")
    with pytest.raises(InputError, match=r"prompt cot.trigger: .*nowhere.txt: cannot be read"):
        sent("cot", f"cot.trigger=@{tmp_path}/nowhere.txt")


@pytest.mark.parametrize(
    ("setting", "error", "words"),
    [
        ("cot.triger=x", UnknownName, r"unknown prompt 'cot.triger'; did you mean 'cot.trigger'\?"),
        ("vanilla.prompt=x", UnknownName, r"unknown prompt 'vanilla.prompt'"),
        (
            "cot.two_stages.recapp=x",
            UnknownName,
            r"unknown section 'recapp' of the prompt cot.two_stages; did.*'recap'",
        ),
        ("cot.two_stages.form=xmll", UnknownName, r"unknown form 'xmll'; did you mean 'xml'"),
        ("cot.two_stages={trigger}", UsageError, r"lacks \{problem\}, which the replaced one has"),
        ("cot.two_stages=x", UsageError, r"lacks \{problem\}, \{trigger\}, which"),
        ("cot.two_stages.input=x {problem}", UsageError, r"prompt cot.two_stages.input: .*lacks \{trigger\}"),
        ("cot.trigger", UsageError, r"replaced by NAME=TEXT"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said(setting: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        override_prompts([strategies.get("cot")], [setting])


def test_the_same_prompt_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"the prompt cot.trigger is replaced twice"):
        override_prompts([strategies.get("cot")], ["cot.trigger=a", "cot.trigger=b"])


def test_a_spec_names_the_sections_that_are_changed() -> None:
    spec = "cot(two_stages={'recap': 'Be brief.', 'examples': (('q', 'a', 'why'),)})"
    assert repr(strategies.get(spec)) == spec.replace("'recap': 'Be brief.', ", "").replace(
        "),)}", "),), 'recap': 'Be brief.'}"
    )
    assert strategies.get("cot(two_stages={})") == strategies.get("cot")
    tree = "tree_of_thoughts(task=Steps(rate={'form': 'xml'}))"
    assert repr(strategies.get(tree)) == tree
    with pytest.raises(UnknownName, match=r"unknown section 'recapp'.* at column 16"):
        strategies.get("cot(two_stages={'recapp': 'x'})")
    with pytest.raises(SpecError, match="a prompt's recap must be a text, got 3"):
        strategies.get("cot(two_stages={'recap': 3})")


def test_a_changed_chain_has_a_label_of_its_own() -> None:
    chain = Chain(Step("short", Prompt(input="{text}")), name="mine")
    [one] = override_prompts([chain], ["mine.short=Briefly: {text}"])
    [other] = override_prompts([chain], ["mine.short=In short: {text}"])
    assert repr(one).startswith("mine#")
    assert len({repr(chain), repr(one), repr(other)}) == 3
    assert repr(override_prompts([chain], ["mine.short=Briefly: {text}"])[0]) == repr(one)
    assert map_prompts(chain, lambda _, prompt: prompt) is chain


def test_strategies_within_a_chain_s_steps_and_handlers_are_reached() -> None:
    inner = Chain(Step("deep", Prompt(input="{text}"), strategy="cot"), name="inner")
    chain = Chain(
        Step("short", Prompt(input="{text}"), strategy="self_consistency(cot, samples=2)"),
        Step("long", chain=inner),
        name="mine",
    )
    assert "cot.trigger" in prompts(chain)
    [found] = override_prompts([chain], ["chain_of_thought.trigger=Breathe."])
    assert found.steps[0].strategy == "self_consistency(cot(trigger='Breathe.'), samples=2)"
    assert found.steps[1].chain.steps[0].strategy == "cot(trigger='Breathe.')"
    assert repr(found).startswith("mine#")
    assert map_prompts(chain, lambda _, prompt: prompt) is chain
    decomposed = strategies.get("decomposed")
    [found] = override_prompts([decomposed], ["cot.trigger=Breathe."])
    assert "cot(stages=1, trigger='Breathe.')" in repr(found)
    assert map_prompts(decomposed, lambda _, prompt: prompt) == decomposed


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    """Return a folder as `reasoning tune prompts` writes it."""
    folder = tmp_path / "tuned"
    (folder / "prompts").mkdir(parents=True)
    (folder / "outcome.json").write_text('{"strategy": "cot(stages=1)"}')
    (folder / "prompts" / "cot.trigger.txt").write_text("Breathe.\n")
    return folder


def test_a_folder_of_tuned_prompts_is_a_strategy(tuned: Path) -> None:
    spec = "cot(stages=1, trigger='Breathe.')"
    assert repr(strategies.read_tuned(tuned)) == spec
    assert config.insert_tuned(str(tuned)) == spec
    assert config.insert_tuned(f"vanilla, {str(tuned)!r}") == f"vanilla, {spec}"
    # A spec without a folder is left as it was written.
    assert config.insert_tuned("vanilla,cot( trigger='a/b')") == "vanilla,cot( trigger='a/b')"
    shown = CliRunner().invoke(strategies_app, ["show", str(tuned)])
    assert "Breathe." in shown.output


def test_a_search_that_found_nothing_leaves_the_original(tuned: Path) -> None:
    (tuned / "prompts" / "cot.trigger.txt").unlink()
    assert repr(strategies.read_tuned(tuned)) == "cot(stages=1)"
    for chain in ("notes", "notes#1a2b"):
        (tuned / "outcome.json").write_text(json.dumps({"strategy": chain}))
        with pytest.raises(UsageError, match="if it is a chain, give its own folder"):
            strategies.read_tuned(tuned)


def test_a_folder_without_tuned_prompts_is_refused(tuned: Path) -> None:
    with pytest.raises(InputError, match="nothing: no such folder"):
        config.insert_tuned(str(tuned / "nothing"))
    with pytest.raises(InputError, match="which `reasoning tune prompts` writes"):
        strategies.read_tuned(tuned / "prompts")
    (tuned / "chain").mkdir()
    with pytest.raises(UsageError, match=r"reasoning chain run .*/chain FILE"):
        strategies.read_tuned(tuned)
    (tuned / "outcome.json").write_text('{"strategy": 1}')
    with pytest.raises(InputError, match="'strategy' must be a spec"):
        strategies.read_tuned(tuned)


def test_variants_stand_beside_their_originals() -> None:
    chosen = [strategies.get("cot"), strategies.get("vanilla")]
    made = prompt_variants(chosen, ["cot.two_stages.form=xml"], ["cot.trigger=A", "cot.trigger=B"])
    shown = list(dict.fromkeys(map(repr, made)))
    assert shown == [
        "cot(two_stages={'form': 'xml'})",
        "cot(trigger='A', two_stages={'form': 'xml'})",
        "cot(trigger='B', two_stages={'form': 'xml'})",
        "vanilla",
    ]


def test_forms_are_those_that_look_different() -> None:
    assert [repr(one) for one in format_variants(strategies.get("cot"))] == [
        "cot",
        *(f"rendered(cot, form='{form}')" for form in ("xml", "markdown", "json", "prefixes")),
    ]
    few = [repr(one) for one in format_variants(strategies.get("cot(shots=2)"))]
    assert len(few) == 12  # with demonstrations, one turn and chat turns differ too
    assert "rendered(cot(shots=2), form='xml', turns='single')" in few


def test_rendered_costs_what_its_base_costs_and_says_the_same() -> None:
    base, llm = strategies.get("least_to_most"), ScriptedLLM(["1. How many?", "4.", "The answer is 4."])
    made = strategies.get("rendered(least_to_most, form='xml', turns='single')")
    assert made.run(PROBLEM, llm).value == 4
    assert call_counts.calls(made, m=2) == call_counts.calls(base, m=2)
    assert llm.rounds == call_counts.rounds(made, m=2)
    assert all("<input>" in prompt and "assistant:" not in prompt for prompt in llm.prompts)


def command(*arguments: str) -> str:
    done = CliRunner().invoke(prompts_app, arguments, env={"COLUMNS": "100"}, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_the_command_shows_prompts_as_they_are_written_and_as_they_go_out() -> None:
    shown = command("show", "cot", "--prompt", "cot.trigger=Breathe.", "--question", "What is 6 * 7?")
    assert "cot.two_stages" in shown
    assert "{trigger}" in shown
    assert "What is 6 * 7?" in shown
    assert 'Breathe. End with a last line: "The answer is"' in shown
    assert "as sent (plain, chat, about" in shown
    one = command("show", "least_to_most.solve_next")
    assert "least_to_most.decompose" not in one
    assert "{solved}" in one
    assert "assistant" in command("show", "cot(shots=1)")


def test_the_card_of_a_technique_ends_with_its_prompts_as_they_go_out() -> None:
    done = CliRunner().invoke(strategies_app, ["show", "cot(shots=2)"], env={"COLUMNS": "400"}, catch_exceptions=False)
    strategy = strategies.get("cot(shots=2)")
    turns = preview_prompts(strategy, sample_problem(strategy))["cot.few_shot"].messages
    assert [turn.role for turn in turns].count("assistant") == 2
    assert all(line.strip() in done.stdout for turn in turns for line in turn.content.splitlines())
    assert "{problem}" not in done.stdout


def test_numbers_that_are_parameters_stand_in_prompts_that_come_later() -> None:
    strategy = strategies.get("chain_of_event(words=77)")
    shown = preview_prompts(strategy, sample_problem(strategy))["chain_of_event.summarise"]
    assert "at most 77 words" in str(shown)
    assert "{listing}" in str(shown)


def test_the_command_lists_what_can_be_replaced() -> None:
    listed = command("list")
    for name in ("cot.trigger", "vanilla.prompt", "tree_of_thoughts.steps.rate", "telecom_feedback.issues"):
        assert [line.split(" ")[0] for line in listed.splitlines()].count(name) == 1
    assert "vanilla.prompt" not in command("list", "cot")
    assert "cot.trigger" in command("list", "sc(cot, samples=2)")
    with pytest.raises(UnknownName, match=r"unknown prompt 'cot.two_stage'; did you mean 'cot.two_stages'"):
        command("show", "cot.two_stage")
