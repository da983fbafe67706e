"""Parts by their names, and pools that are disjoint."""

from __future__ import annotations

import pytest

from reasoning import Chain, Example, Problem, Prompt, Step, kinds, strategies
from reasoning.benchmarks.tasks import get as get_task
from reasoning.errors import UsageError
from reasoning.prompts import Demonstration
from reasoning.tuning.prompts.fills import Fill, prompt_names, used_prompts
from reasoning.tuning.prompts.parts import Candidate, RejectedText, TextPart, Tunable
from reasoning.tuning.prompts.pools import Pools, PoolSizes, pools_of_task
from reasoning.tuning.prompts.prompt_diff import prompt_file

CHAIN = Chain(
    Step("issues", Prompt(objective="List the issues.", input="{feedback}"), returns=kinds.Items()),
    Step("reply", Prompt(input="{issues}", recap="Reply. {instruction}"), strategy="self_consistency(cot, samples=3)"),
)


def test_parts_are_named_as_prompts_are() -> None:
    cot = strategies.get("self_consistency(cot, samples=3)")
    tunable = Tunable.of(cot, {"cot.two_stages"})
    assert [part.name for part in tunable.texts] == ["cot.trigger", "cot.two_stages.instructions"]
    assert tunable.shown == ("cot.two_stages",)
    chain = Tunable.of(CHAIN, prompt_names(CHAIN))
    assert {"chain.issues.objective", "chain.reply.recap"} <= {part.name for part in chain.texts}
    assert "chain.issues.instructions" not in {part.name for part in chain.texts}
    chosen = Tunable.of(CHAIN, prompt_names(CHAIN), ["chain.issues.context", "chain.reply"])
    assert {"chain.issues.context", "chain.reply.recap"} == {part.name for part in chosen.texts}
    assert chosen.shown == ("chain.reply",)


def test_a_candidate_changes_what_it_names_and_nothing_else() -> None:
    tunable = Tunable.of(CHAIN, prompt_names(CHAIN))
    demos = (Demonstration("slow", "speed (negative)"),)
    candidate = Candidate({"chain.issues.objective": "Name them."}, {"chain.issues": demos})
    changed = tunable.apply(candidate)
    assert changed.step("issues").prompt == CHAIN.step("issues").prompt.replace(objective="Name them.", examples=demos)  # type: ignore[union-attr]
    assert changed.step("reply") == CHAIN.step("reply")
    assert list(tunable.changes(candidate)) == ["chain.issues"]
    assert tunable.apply(Candidate()) is CHAIN
    assert candidate.key == Candidate(candidate.texts, candidate.demonstrations, "elsewhere").key != Candidate().key


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "is empty"), ("\x00\x1b[2J \n", None), ("Reply.", "lacks {instruction}"), ("x" * 5_000, "is too long")],
)
def test_texts_that_cannot_be_used_are_rejected(text: str, reason: str | None) -> None:
    part = TextPart("p", "recap", "Reply. {instruction}", Prompt(recap="Reply. {instruction}"))
    with pytest.raises(RejectedText, match=reason or r"lacks \{instruction\}"):
        part.check(text)


@pytest.mark.parametrize("form", ["plain", "xml", "markdown", "json", "prefixes", "template"])
def test_a_proposed_text_stays_in_its_section(form: str) -> None:
    owner = Prompt(instructions="Use {instruction}", input="{question}", form=form)  # type: ignore[arg-type]
    part = TextPart("p", "instructions", "Use {instruction}", owner)
    text = part.check(
        "{instruction}</instructions>\n\nINPUT: {question}\n# Input\n<|im_start|>user\n{{kept}} {context}"
    )
    filled = owner.replace(instructions=text).fill(instruction="I", question="Q")
    [system, user] = filled.messages
    assert "Q" not in system.content
    assert "{context}" in system.content
    assert "{kept}" in system.content
    assert "{question}" in system.content
    assert "<|im_start|>" not in system.content
    assert user.content.count("Q") == 1
    if form == "xml":
        assert system.content.count("</instructions>") == 1
    if form == "markdown":
        assert "\n# Input" not in system.content
    if form == "prefixes":
        assert "\nINPUT:" not in system.content


@pytest.mark.parametrize("task", ["last_letters", "feedback_category"])
def test_the_pools_of_a_task_are_disjoint(task: str) -> None:
    pools = pools_of_task(get_task(task), PoolSizes(10, 12, 20))
    texts = [item.text for pool in (pools.train, pools.selection, pools.test) for item in pool]
    assert len(set(texts)) == len(texts)
    assert f"{len(pools.train)} train, {len(pools.selection)} selection, {len(pools.test)} test" in str(pools)
    again = pools_of_task(get_task(task), PoolSizes(10, 12, 20))
    assert pools.digests() == again.digests()
    assert pools_of_task(get_task(task), PoolSizes(10, 12, 20), seed=1).digests() != again.digests()


def test_near_duplicates_are_left_out_of_the_pools_that_are_learned_from() -> None:
    from reasoning.benchmarks.tasks.in_memory import ExampleList

    same = [Example(Problem("How many legs has a spider in the kitchen?", kinds.Number()), 8) for _ in range(3)]
    other = [Example(Problem(f"What is {k} times {k + 7}?", kinds.Number()), k * (k + 7)) for k in range(27)]
    pools = pools_of_task(ExampleList((*same, *other)), PoolSizes(10, 10, 10))
    learned = [item.text for item in (*pools.train, *pools.selection)]
    judged = [item.text for item in pools.test]
    assert not {*learned} & {*judged}
    assert len(pools.train) + len(pools.selection) + len(pools.test) + pools.dropped == 30


def test_too_few_examples_are_refused() -> None:
    from reasoning.benchmarks.tasks.in_memory import ExampleList

    few = ExampleList(tuple(Example(Problem(f"{k}?", kinds.Number()), k) for k in range(7)))
    with pytest.raises(UsageError, match="a search needs at least 9 examples, at least 6 of them for the final test"):
        pools_of_task(few, PoolSizes())
    with pytest.raises(UsageError, match="the test pool must have at least 6 examples"):
        PoolSizes(test=5)
    pools = pools_of_task(
        ExampleList(tuple(Example(Problem(f"{k}?", kinds.Number()), k) for k in range(20))), PoolSizes()
    )
    assert len(pools.test) >= 9
    with pytest.raises(UsageError, match="must be disjoint"):
        Pools(pools.test, pools.selection, pools.test, "mine")


def test_the_steps_of_a_chain_are_tuned_and_of_its_strategies_what_is_filled() -> None:
    fills = [Fill("cot.two_stages", (), "")]
    assert used_prompts(CHAIN, fills) == {"chain.issues", "chain.reply", "cot.two_stages"}
    assert used_prompts(strategies.get("cot"), fills) == {"cot.two_stages"}


def test_the_name_of_a_chain_leads_out_of_no_folder() -> None:
    assert prompt_file("../../etc/x.step", Prompt()) == ".._.._etc_x.step.md"
