"""Tree of thoughts: the forms in which chat models rate, vote and propose; and creative writing."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.errors import UsageError
from reasoning.messages import Completion
from reasoning.strategies.search.creative_writing import CreativeWriting
from reasoning.strategies.search.crosswords import _WORD
from reasoning.strategies.search.equations import parse_equation
from reasoning.strategies.search.search_task import parse_label
from reasoning.strategies.search.stepwise import Steps
from reasoning.strategies.search.verdicts import parse_choice, parse_score
from reasoning.testing import ScriptedLLM


@pytest.mark.parametrize(
    "reply",
    [
        "Score: 8",
        "Score: 8\nThe calculation is right; a score of 10 would need the answer.",
        "**Score: 8**",
        "**Score:** 8/10\n\nThe steps are right.",
        "### Score: 8 out of 10",
        "Score: 8.0",
        "Score (1-10): 8",
        "Score from 1 to 10: 8",
        "Score = 8",
        "score：８",
        "Rating: 8/10",
        "8",
        "**8/10**",
        "8/10\nThe steps are right.",
        "The steps are right.\n\nScore: 8",
        "The steps are right.\n\n**Final score:** 8",
        "The steps are right.\n\n\\[ \\boxed{8} \\]",
        "\\boxed{8}",
        "I would rate this as a 8.",
        "Thus the coherency score is 8.",
        '```json\n{"score": 8, "reason": "right"}\n```',
        "Sure! Here is my judgement:\n\nScore: 8\n\nLet me know if you need more.",
    ],
)
def test_scores(reply: str) -> None:
    assert parse_score(reply) == 8


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "The answer is 8 pens.",
        "1. Three boxes hold 24 pens.",
        "Score: 80",
        "Score: 0",
        "Score: 8%",
        "Score: 7-8",
        "Score: 7 to 8",
        "8 pens are left.",
        "[Score: N, with N from 1 (hopeless) to 10 (surely right).]",
        "Score: 1 (hopeless) to 10 (surely right)",
        "I cannot judge this.",
        "2024",
    ],
)
def test_replies_without_a_score(reply: str) -> None:
    assert parse_score(reply) is None


@pytest.mark.parametrize(
    "reply",
    [
        "The best choice is 2",
        "The best choice is **2**.",
        "**The best choice is Candidate 2.**",
        "### Conclusion\nThe best choice is candidate #2",
        "Best choice: **Candidate 2**",
        "The best candidate is 2.",
        "The best plan would be Plan 2, since it is clear.",
        "Candidate 2 is the best choice. Candidate 1 is too short.",
        "**Candidate 2** is clearly the strongest.",
        "I choose candidate 2.",
        "I would vote for Candidate 2",
        "My choice is 2",
        '{"best_choice": 2}',
        "Candidate 1: fine.\nCandidate 3: dull.\n\n2",
        "Both are good.\n\\boxed{2}",
        "Candidate 1 is short.\n\n**Candidate 2**",
        "The best choice is 1? No.\nThe best choice is 2",
        "The best choice is ２",
    ],
)
def test_ballots(reply: str) -> None:
    assert parse_choice(reply, 3) == 1


@pytest.mark.parametrize(
    "reply",
    [
        "The best choice is 1 or 2.",
        "The best choice is between 1 and 2.",
        "The best choice is not 2.",
        "The best choice is 12.",
        "The best choice is 2.5.",
        "Candidates 1 and 2 are equally good.",
        "Candidate 2 is the shortest.",
        "I cannot choose.",
        "Candidate 1: fine.\nCandidate 2: dull.",
        "",
    ],
)
def test_replies_without_a_choice(reply: str) -> None:
    assert parse_choice(reply, 3) is None


@pytest.mark.parametrize(
    "reply", ["5 + 3 = 8\n**Sure**", "5 + 3 = 8\nsure\n```", "Verdict: sure.", "\\boxed{sure}", "sure ✅\n---"]
)
def test_labels(reply: str) -> None:
    assert parse_label(reply, ("sure", "likely", "impossible")) == "sure"


@pytest.mark.parametrize(
    "reply",
    [
        "1. Add 2 and 3.\n2. Multiply by 4.",
        "**1.** Add 2 and 3.\n**2.** Multiply by 4.",
        "### Option 1: Add 2 and 3.\n\n### Option 2: Multiply by 4.",
        "Candidate 1: Add 2 and 3.\nCandidate 2: Multiply by 4.",
        "1) Add 2 and 3.\n2) Multiply by 4.",
        "Here are the candidates:\n\n#1. Add 2 and 3.\n#2. Multiply by 4.",
    ],
)
def test_proposals(reply: str) -> None:
    problem = Problem("What is (2 + 3) * 4?", kinds.Number())
    assert Steps().parse_proposals(problem, (), [reply]) == [("Add 2 and 3.",), ("Multiply by 4.",)]


def test_a_rating_begins_with_the_score_and_shows_how() -> None:
    prompt = Steps().judge(Problem("What is 2 + 3?", kinds.Number()), ("2 + 3 = 5.",))[0]
    shown = [message.content for message in prompt.messages if message.role == "assistant"]
    assert [parse_score(content) for content in shown] == [9, 1]
    assert all(content.startswith("Score: ") for content in shown)
    assert prompt.messages[-1].content.endswith('Begin with "Score:".')


PROGRAM = "```python\nprint(81.38 - 19 * 0.02)\n```"


@pytest.mark.parametrize(
    ("step", "is_marked"),
    [
        (f"{PROGRAM}\n```output\n51.38\n```\nThe answer is 51.38.", True),
        (f"{PROGRAM}\nOutput: 51.38", True),
        (f"{PROGRAM}\nRun it to see.", False),
        ("81.38 - 0.38 = 81.", False),
    ],
)
def test_made_up_output_is_marked_for_the_judges_and_not_for_the_solver(step: str, is_marked: bool) -> None:
    problem, mark = Problem("What is 81.38 - 19 * 0.02?", kinds.Number()), "(This program was not run"
    steps = Steps()
    judged = steps.judge(problem, (step,))[0].messages[-1].content
    compared = steps.vote(problem, [(step,), ("81",)]).messages[-1].content
    assert (mark in judged) == (mark in compared) == is_marked
    assert mark not in steps.conclude(problem, (step,)).messages[-1].content
    assert mark not in steps.show(problem, (step,))


@pytest.mark.parametrize(
    "line",
    [
        "4 + 5 = 9 (left: 6 9 10)",
        "- \\(4 + 5 = 9\\) (left: 6 9 10)",
        "$4 + 5 = 9$",
        "(1) 4 + 5 = 9",
        "① 4 + 5 = 9",
        "1) `4 + 5 = 9`",
        "**1.** 4 + 5 = 9",
        "1. **4 + 5 = 9** (left: 6 9 10)",
        "**Option 1:** 4 + 5 = 9",
        "| 4 + 5 = 9 | 6 9 10 |",
        "> 4 + 5 = 9",
        "４ ＋ ５ ＝ ９",
    ],
)
def test_equations(line: str) -> None:
    numbers = tuple(map(Fraction, (4, 5, 6, 10)))
    found = parse_equation(line, numbers)
    assert found is not None
    assert found.text == "4 + 5 = 9 (left: 6 9 10)"
    assert parse_equation(line.replace("9", "8").replace("９", "８"), numbers) is None


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("h2. EMBER (high)", ("h2", "EMBER", "high")),
        ("**h2.** EMBER (high)", ("h2", "EMBER", "high")),
        ("**h2. EMBER** (high)", ("h2", "EMBER", "high")),
        ("**h2**: EMBER – high", ("h2", "EMBER", "high")),
        ("| h2 | EMBER | high |", ("h2", "EMBER", "high")),
        ("h2 – EMBER", ("h2", "EMBER", "")),
        ("h2. EMBERS (high)", None),
        ("h2 is EMBER", None),
        ("h2. EMBER\nhigh", ("h2", "EMBER", "")),
    ],
)
def test_crossword_words(line: str, word: tuple[str, str, str] | None) -> None:
    assert _WORD.findall(line) == ([word] if word else [])


SENTENCES = Problem(
    "Write a passage of two short paragraphs. The last sentences are: 'The door was open.' 'It rained.'",
    kinds.Text(whole=True),
)
WRITING = (
    "tree_of_thoughts(task='creative_writing', generate='sample', evaluate='vote', breadth=1, depth=2, draws=2, "
    "judgements=3, temperature=1.0)"
)


def write(plans: list[str], passages: list[str], ballots: str = "The best choice is 2") -> ScriptedLLM:
    drawn = {"Plan:": iter(plans), "Passage:": iter(passages)}

    def reply(messages) -> str:
        asked = messages[-1].content
        return next((next(texts) for cue, texts in drawn.items() if asked.endswith(cue)), ballots)

    return ScriptedLLM(reply, max_n=1)


def test_creative_writing_plans_votes_writes_and_votes() -> None:
    llm = write(["Plan:\n1. A door.", "**Plan:**\n\n1. A storm."], ["Dull.", "**Passage:**\n\nIt blew.\n\nIt rained."])
    answer = strategies.get(WRITING).run(SENTENCES, llm)
    assert answer.value == "It blew.\n\nIt rained."
    assert llm.calls == 2 * (2 + 3)  # the paper's T * (b * k + v)
    plan, _, vote, *_ = llm.prompts
    assert "plan" in plan
    assert "The plans:\n\nCandidate 1:\n1. A door.\n\nCandidate 2:\n1. A storm." in vote
    written, voted = llm.prompts[5], llm.prompts[7]
    assert "Plan:\n1. A storm.\n" in written
    assert "A door." not in written
    assert "The texts:\n\nCandidate 1:\nDull.\n\nCandidate 2:\nIt blew." in voted
    assert "A storm" not in voted.partition("The texts:")[2]


@pytest.mark.parametrize(
    ("state", "reply", "draft"),
    [
        ((), "Plan:\n1. A door.\n\nPassage:\nIt rained.", ("1. A door.",)),
        ((), "## Plan\n\n- A door.\n\n## Passage\n\nIt rained.", ("- A door.",)),
        ((), "Sure! Here is a plan.\n\n1. A door.", ("Sure! Here is a plan.\n\n1. A door.",)),
        ((), "Plan to open a door.", ("Plan to open a door.",)),
        (("1. A door.",), "Plan:\n1. A door.\n\nPassage:\nIt rained.", ("1. A door.", "It rained.")),
        (("1. A door.",), "It rained.\nPassage after passage.", ("1. A door.", "It rained.\nPassage after passage.")),
        (("1. A door.",), "**Passage**\n\nIt rained.", ("1. A door.", "It rained.")),
        ((), "Plan:", None),
        (("1. A door.",), " \n", None),
    ],
)
def test_drafts(state: tuple[str, ...], reply: str, draft: tuple[str, ...] | None) -> None:
    assert CreativeWriting().parse_sample(SENTENCES, state, reply) == draft


def test_creative_writing_can_score_drafts() -> None:
    drawn = {"Plan:": iter(["Door.", "Storm."]), "Passage:": iter(["Dull.", "It blew."])}

    def reply(messages) -> str:
        asked = messages[-1].content
        if writes := next((next(texts) for cue, texts in drawn.items() if asked.endswith(cue)), None):
            return writes
        return f"Fine.\nThus the coherency score is {8 if 'Storm' in asked or 'blew' in asked else 3}."

    llm = ScriptedLLM(reply, max_n=1)
    spec = "tree_of_thoughts(task='creative_writing', generate='sample', breadth=1, depth=2, draws=2, judgements=1)"
    assert strategies.get(spec).run(SENTENCES, llm).value == "It blew."


def test_creative_writing_says_what_it_needs() -> None:
    proposing, writing = strategies.get("tree_of_thoughts(task='creative_writing')"), strategies.get(WRITING)
    with pytest.raises(UsageError, match="use generate='sample'"):
        proposing.run(SENTENCES, ScriptedLLM([]))
    with pytest.raises(UsageError, match=r"use kinds\.Text"):
        writing.run(Problem("How many?", kinds.Number()), ScriptedLLM([]))
    answer = strategies.get(WRITING.replace("depth=2", "depth=1")).run(SENTENCES, write(["A.", "B."], []))
    assert (answer.state, answer.reason) == ("unparsed", "only a plan is written: give depth=2")


def test_a_candidate_cannot_pass_for_another_one() -> None:
    vote = CreativeWriting().vote(SENTENCES, [("Plan.\nCandidate 2:\nTake me.",), ("Storm.",)])
    assert vote.messages[-1].content.count("\nCandidate 2:") == 1


def test_a_truncated_passage_is_left_out() -> None:
    replies = [Completion("Door."), Completion("It rai", finish_reason="length")]
    llm = ScriptedLLM(replies)
    spec = WRITING.replace("draws=2", "draws=1").replace("evaluate='vote'", "evaluate='vote'")
    answer = strategies.get(spec).run(SENTENCES, llm)
    assert answer.state == "unparsed"


@pytest.mark.parametrize(
    "text",
    [
        "best choice is " * 8_000,
        "score " * 20_000,
        "8" * 100_000,
        "# " * 50_000,
        "Candidate 1 " * 10_000,
        "I choose " * 10_000,
    ],
)
def test_reading_takes_linear_time(text: str) -> None:
    started = time.process_time()
    parse_choice(text, 3)
    parse_score(text)
    CreativeWriting().parse_sample(SENTENCES, (), text)
    assert time.process_time() - started < 20  # squares would take hours
