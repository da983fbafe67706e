"""System 2 attention: the forms of a rewriting, the paper's labels, and prompts that users put in."""

from __future__ import annotations

import pytest

from reasoning import Problem, Prompt, kinds, strategies
from reasoning.errors import UsageError
from reasoning.strategies.knowledge.rewriting import parse_rewrite
from reasoning.testing import ScriptedLLM

HEIGHTS = Problem("I am sure that it is Ana. Who is the tallest?", context="Ana is 1.70 m and Ben 1.80 m tall.")
FACTS, ASKED = "Ana is 1.70 m and Ben 1.80 m tall.", "Who is the tallest?"
REPLIES = {
    "plain": f"Context: {FACTS}\nQuestion: {ASKED}",
    "the paper's labels for opinions": f"Unbiased text context (includes all content except user's bias): {FACTS}\n\n"
    f"Question/Query (does not include user bias/preference): {ASKED}",
    "the paper's labels for irrelevant text": "Context text related to the question (includes all content except "
    f"unrelated sentences): {FACTS}\nDetailed question: {ASKED}",
    "bold": f"**Unbiased text context:** {FACTS}\n\n**Question/Query:** {ASKED}",
    "headings without a colon": f"### Context\n\n{FACTS}\n\n### Question\n\n{ASKED}",
    "bold lines": f"**Context**\n{FACTS}\n\n**Question**\n{ASKED}",
    "a remark before and after": f"Sure! Here is the rewriting:\n\nContext: {FACTS}\nQuestion: {ASKED}\n\n"
    "Let me know if you would like another version.",
    "a note": f"**Context:** {FACTS}\n**Question:** {ASKED}\n\n*Note: I removed the opinion on Ana.*",
    "numbers": f"1. **Context:** {FACTS}\n2. **Question:** {ASKED}",
    "bullets": f"- Context: {FACTS}\n- Query: {ASKED}",
    "full-width colons": f"Context：{FACTS}\nQuestion：{ASKED}",
    "a fence": f"```text\nContext: {FACTS}\nQuestion: {ASKED}\n```",
    "a table": f"| Part | Text |\n|------|------|\n| Context | {FACTS} |\n| **Question** | {ASKED} |",
    "JSON": f'```json\n{{"context": "{FACTS}", "question": "{ASKED}"}}\n```',
    "JSON on several lines": f'{{\n  "Context": "{FACTS}",\n  "Question": "{ASKED}"\n}}',
    "an answer that was not asked for": f"Context: {FACTS}\nQuestion: {ASKED}\nAnswer: Ben",
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_a_rewriting_is_read_in_many_forms(reply: str) -> None:
    llm = ScriptedLLM([reply, "Ben"])
    answer = strategies.get("s2a").run(HEIGHTS, llm)
    assert (answer.value, llm.calls) == ("Ben", 2)
    assert answer.steps == {"context": FACTS, "question": ASKED}


@pytest.mark.parametrize(
    "reply",
    [
        "The tallest is Ben.",
        "I'm sorry, but I can't help with that.",
        f"Context: {FACTS}",
        f"Question\n\nContext: {FACTS}",
        "There is no question in this text.",
        '{"context": "Ana is tall."}',
    ],
)
def test_a_reply_without_a_question_is_no_rewriting(reply: str) -> None:
    assert parse_rewrite(reply, HEIGHTS) is None


@pytest.mark.parametrize(
    "last", ["If you buy 3, how many are left?", "I have left 3 of them.", "Let me know: who is it?"]
)
def test_a_paragraph_of_the_question_is_no_remark(last: str) -> None:
    assert parse_rewrite(f"Question: He has 9 pens.\n\n{last}", HEIGHTS) == ("", f"He has 9 pens.\n\n{last}")


def test_an_object_within_the_context_is_a_part_of_it() -> None:
    reply = 'Context: The log says {"question": "Who?"} twice.\nQuestion: Who is the tallest?'
    assert parse_rewrite(reply, HEIGHTS) == ('The log says {"question": "Who?"} twice.', ASKED)


PAPERS = (
    "Rewrite the text. Separate it into two categories, labeled with “Unbiased text context (includes all content "
    "except user's bias):” and “Question/Query (does not include user bias/preference):”."
)


def test_a_prompt_with_the_papers_labels_works() -> None:
    prompt = Prompt(objective=PAPERS, input="Text by user: {question_only}")
    llm = ScriptedLLM([REPLIES["the paper's labels for opinions"], "Ben"])
    answer = strategies.get("s2a").replace(opinion=prompt).run(HEIGHTS, llm)
    assert (answer.value, llm.calls, answer.steps["question"]) == ("Ben", 2, ASKED)
    assert PAPERS in llm.prompts[0]


@pytest.mark.parametrize("leave_out", ["opinion", "relevance"])
def test_the_whole_reply_to_a_prompt_without_parts_is_the_question(leave_out: str) -> None:
    prompt = Prompt(input="Extract the part that is not the user's opinion, with the actual question.\n{question_only}")
    strategy = strategies.get(f"s2a(leave_out={leave_out!r})").replace(**{leave_out: prompt})
    llm = ScriptedLLM([f"{FACTS} {ASKED}\n\nI removed the opinion.", "Ben"])
    answer = strategy.run(HEIGHTS, llm)
    assert (answer.value, llm.calls) == ("Ben", 2)
    assert answer.steps == {"context": "", "question": f"{FACTS} {ASKED}"}
    assert "sure that it is Ana" not in llm.prompts[1]
    # A label of its own counts there, too, and an empty reply is asked for again.
    llm = ScriptedLLM(["", REPLIES["bold"], "Ben"])
    assert strategy.run(HEIGHTS, llm).steps["question"] == ASKED


def test_a_prompt_that_shows_nothing_of_the_problem_is_refused_before_a_call() -> None:
    with pytest.raises(UsageError, match="the prompt 'opinion' must show the text to rewrite"):
        strategies.get("s2a").replace(opinion=Prompt(input="Rewrite the text without opinions. Question:"))
    # The other prompt is not used.
    strategies.get("s2a").replace(relevance=Prompt(input="Rewrite the text."))


@pytest.mark.parametrize(
    "marker", ["Context: ", "\n", "- ", "---", "| context |", '{"question"', "(", "\n\nlet me know "]
)
def test_long_replies_are_read_quickly(marker: str) -> None:
    text = marker * (100_000 // len(marker))
    parse_rewrite(f"Context: {text}\nQuestion: {text} x", HEIGHTS)
    parse_rewrite(text, HEIGHTS, parts=False)


def test_every_kind_keeps_its_options() -> None:
    problem = Problem("Ana, I hope. Who is it?", kinds.Choice(["Ana", "Ben"]), context=FACTS)
    llm = ScriptedLLM([REPLIES["JSON"], "(B)"])
    assert strategies.get("s2a").run(problem, llm).value == "B"
    assert "(B) Ben" in llm.prompts[1]
