"""What a user sees of values at a prompt and in a notebook: the result first, long texts last and cut."""

from __future__ import annotations

import reasoning as r
from reasoning.answer import Answered, Failed, Unparsed
from reasoning.display import describe_spending
from reasoning.messages import Completion, Usage
from reasoning.testing import ScriptedLLM

LONG = "Each spider has 8 legs. " * 100 + "The answer is 16."
PROBLEM = r.Problem("How many legs do two spiders have?", r.kinds.Number())


def vote() -> r.Answer:
    llm = ScriptedLLM([LONG, LONG, LONG, LONG, "The answer is 12."])
    return r.strategies.get("self_consistency(cot, samples=5)").run(PROBLEM, llm)


def test_an_answer_shows_value_confidence_votes_and_cost_first_and_its_text_last() -> None:
    for shown in (repr(vote()), str(vote())):
        assert shown.startswith("Answered(value=16, confidence=0.8, votes=<16: 4, 12: 1>, usage=<5 calls · 12 + ")
        assert shown.index("rule='trigger'") < shown.index("text='Each spider has 8 legs.")
        assert shown.endswith("…')")
        assert len(shown) < 300


def test_an_answer_without_a_value_shows_the_reason_first() -> None:
    assert repr(Unparsed("nothing found", text="?")) == (
        "Unparsed(reason='nothing found', usage=<0 calls · 0 + 0 tokens>, text='?')"
    )
    assert repr(Failed("status 500")).startswith("Failed(reason='status 500', ")


def test_an_answer_hides_no_value_and_escapes_control_characters() -> None:
    assert repr(Answered(False)).startswith("Answered(value=False, ")
    assert repr(Answered(0, text="0")).startswith("Answered(value=0, ")
    assert "\x1b" not in repr(Answered("a", text="\x1b[2J"))
    assert "\x1b" not in repr(vote().trace)


def test_a_notebook_shows_the_cost_beside_the_value_and_the_trace_at_the_end() -> None:
    html = vote()._repr_html_()
    order = ["<b>16</b>", "confidence 80%", "5 calls · 12 + ", 'class="bar"', "request ("]
    assert [html.index(part) for part in order] == sorted(html.index(part) for part in order)


def test_a_notebook_shows_the_steps_of_a_chain_cut() -> None:
    chain = r.Chain(r.Step("essay", r.Prompt(input="{text}")), r.Step("word", r.Prompt(input="{essay}")))
    html = chain.run("spiders", ScriptedLLM([LONG, "legs"]))._repr_html_().partition("<details>")[0]
    assert html.index("<b>legs</b>") < html.index("essay")
    assert len(html) < 2000


def test_a_completion_shows_its_text_cut_its_cost_and_what_is_unusual() -> None:
    assert repr(Completion("16", usage=Usage(1, 8, 2))) == "Completion('16', usage=<1 call · 8 + 2 tokens>)"
    shown = repr(Completion(LONG, "length", Usage(1, 8, 2), is_new=False))
    assert shown.endswith("…', usage=<1 call · 8 + 2 tokens>, finish_reason='length', is_new=False)")
    assert len(shown) < 320


def test_a_problem_shows_only_the_fields_that_are_set() -> None:
    assert repr(r.Problem("Who?")) == "Problem(question='Who?')"
    assert repr(PROBLEM) == "Problem(question='How many legs do two spiders have?', kind=Number())"
    assert len(repr(r.Problem("Who?", context=LONG))) < 300


def test_a_model_shows_its_name_and_what_it_has_used() -> None:
    llm = ScriptedLLM(["The answer is 16."])
    r.strategies.get("cot").run(PROBLEM, llm)
    assert repr(llm).startswith("<LLM scripted, 1 call · 12 + 4 tokens")


def test_a_chain_prints_its_steps_and_keeps_its_name_as_its_repr() -> None:
    chain = r.Chain(r.Step("word", r.Prompt(input="{text}"), returns=r.kinds.YesNo()), name="one")
    assert str(chain) == "one(text)\n  word: prompt → yesno, reads text"
    assert repr(chain) == "one"


def test_a_comparison_shows_its_table_and_verdict() -> None:
    llm = ScriptedLLM(lambda *_: "The answer is 2.")
    comparison = r.benchmarks.compare(["vanilla", "cot"], "last_letters", llm, limit=2)
    assert repr(comparison) == str(comparison)
    assert "| strategy |" in repr(comparison)
    assert "Comparison(" not in repr(comparison)


def test_the_spending_of_a_command_has_no_seconds_that_are_summed_over_concurrent_calls() -> None:
    spent, used = Usage(2, 20, 4, seconds=9.5), Usage(3, 30, 6, seconds=12.0)
    assert describe_spending(spent, used, spent, Usage(), "calls=1").splitlines() == [
        "spent now: 2 calls · 20 + 4 tokens; without the journal: 3 calls · 30 + 6 tokens",
        "spent by earlier commands of this run: 2 calls · 20 + 4 tokens",
        "left of the budget: calls=1",
    ]
