"""Self-consistency over any strategy."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from reasoning import Budget, Journal, Problem, kinds, strategies
from reasoning.engine.llm import LLM
from reasoning.errors import AuthenticationFailed, BudgetExhausted, CallFailed, UsageError
from reasoning.messages import Completion, Request, Token
from reasoning.providers.client import Client
from reasoning.strategies import ChainOfThought, SelfConsistency
from reasoning.testing import ScriptedLLM
from reasoning.trace import Note
from reasoning.voting import Beta
from tests import call_counts

PENS = Problem("Three pens cost 4.50. What do seven cost?", kinds.Number(), id="pens")
FIVE = ["The answer is 10.5.", "The answer is $10.50.", "The answer is 31.5.", "No idea.", "The answer is 10.5."]


def test_the_majority_wins_and_unparsed_samples_do_not_vote() -> None:
    llm = ScriptedLLM(FIVE)
    strategy = strategies.get("self_consistency(cot(shots=2), samples=5)")
    answer = strategy.run(PENS, llm)
    assert answer.value == 10.5
    assert answer.votes is not None
    assert dict(answer.votes.counts) == {10.5: 3, 31.5: 1}
    assert (answer.votes.valid, answer.votes.total) == (4, 5)
    assert answer.confidence == 0.75
    assert llm.calls == call_counts.calls(strategy) == 5
    assert llm.rounds == call_counts.rounds(strategy)
    assert len(llm.requests) == 1  # n = 5
    assert llm.requests[0].sampling["temperature"] == 0.7


def test_the_formula_counts_the_base() -> None:
    assert call_counts.calls(strategies.get("sc(cot(stages=1), samples=7)")) == 7
    assert call_counts.calls(strategies.get("sc(cot, samples=7)"), e=1) == 14
    assert call_counts.calls(strategies.get("sc"), e=0) == 40


def test_the_second_stage_of_a_base_stays_greedy_and_runs_side_by_side() -> None:
    counter = itertools.count()
    llm = ScriptedLLM(lambda turns: "3" if len(turns) > 1 else f"chain {next(counter)}", latency=0.01)
    strategies.get("sc(cot, samples=4)").run(PENS, llm)
    assert [request.sampling["temperature"] for request in llm.requests] == [0.7, 0, 0, 0, 0]
    assert llm.peak_concurrency == 4
    assert len({request.messages[1] for request in llm.requests[1:]}) == 4  # four distinct chains


def test_twenty_samples_after_five_buy_fifteen(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    strategies.get("sc(cot(shots=1), samples=5)").run(PENS, ScriptedLLM(lambda m: FIVE[0], journal=journal))
    more = ScriptedLLM(lambda m: FIVE[0], journal=journal)
    answer = strategies.get("sc(cot(shots=1), samples=20)").run(PENS, more)
    assert more.calls == 15
    assert answer.usage.calls == 20


def test_a_single_chain_shares_its_draw_with_the_vote() -> None:
    journal = Journal()
    first = ScriptedLLM(["The answer is 1."], journal=journal, temperature=0.7)
    strategies.get("cot(shots=1)").run(PENS, first)
    rest = ScriptedLLM(["The answer is 2."] * 2, journal=journal)
    answer = strategies.get("sc(cot(shots=1), samples=3)").run(PENS, rest)
    assert (rest.calls, answer.value) == (2, 2)


def test_a_program_as_base() -> None:
    llm = ScriptedLLM(["```python\nans = 4.5 / 3 * 7\n```"] * 3)
    answer = strategies.get("sc(pot, samples=3)").run(PENS, llm)
    assert answer.value == 10.5
    assert len(llm.requests) == 1


def test_a_failed_sample_lets_the_others_vote() -> None:
    answer = strategies.get("sc(cot(shots=1), samples=3)").run(
        PENS, ScriptedLLM([CallFailed("lost"), FIVE[0], FIVE[0]], max_n=1)
    )
    assert answer.value == 10.5
    assert answer.votes is not None
    assert answer.votes.valid == 2


def test_all_failed_is_failed_and_all_unread_is_unparsed() -> None:
    strategy = strategies.get("sc(cot(shots=1), samples=3)")
    assert strategy.run(PENS, ScriptedLLM([CallFailed("lost")] * 3, max_n=1)).state == "failed"
    answer = strategy.run(PENS, ScriptedLLM(["No idea."] * 3))
    assert answer.state == "unparsed"
    assert answer.value is None
    assert "no sample of 3" in answer.reason


def test_what_must_stop_the_run_stops_it() -> None:
    strategy = strategies.get("sc(cot(shots=1), samples=3)")
    with pytest.raises(AuthenticationFailed):
        strategy.run(PENS, ScriptedLLM([AuthenticationFailed("no key")] * 3, max_n=1))
    with pytest.raises(BudgetExhausted):
        strategy.run(PENS, ScriptedLLM(lambda m: FIVE[0], max_n=1, budget=Budget(calls=2)))


def test_the_vote_does_not_depend_on_who_comes_first() -> None:
    counter = itertools.count()
    forward = strategies.get("sc(cot(shots=1), samples=4)").run(
        PENS, ScriptedLLM(lambda m: f"The answer is {next(counter) // 2}.", max_n=1)
    )
    assert forward.votes is not None
    assert forward.votes.tied
    assert forward.value == 0  # a tie goes to the earliest draw


class Recorded(Client):
    """A model whose replies depend on the draw alone, and come back in any order: draw `k` says what `say(k)` does."""

    max_n, concurrency, endpoint, free, model = 1, None, None, True, "recorded"

    def __init__(self, say: Callable[[Request, int], str], delays: Sequence[float] = (0,)) -> None:
        self.say, self.delays = say, delays
        self.draws: list[tuple[str, int]] = []

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        (draw,) = draws
        self.draws.append((request.key, draw))
        await asyncio.sleep(self.delays[draw % len(self.delays)])
        return [Completion(self.say(request, draw))]

    async def close(self) -> None: ...


def two_stages(request: Request, draw: int) -> str:
    """Chains that repeat, so that lanes share their second request, some in later waves only; some state an answer."""
    if len(request.messages) > 1:
        return str(draw % 3 if draw < 6 else 2)
    return "The answer is 2." if draw % 4 == 3 else "chain" + "!" * (draw // 3 % 4)


STOPS = [
    "stop='beta'",
    "stop='dirichlet', threshold=0.9",
    "stop='window', window=3",
    "stop='decided'",
    "stop='beta', wave=6",
]


@pytest.mark.parametrize("stop", STOPS)
def test_neither_the_answer_nor_the_number_of_draws_depends_on_latencies(stop: str) -> None:
    strategy = strategies.get(f"sc(cot, samples=24, {stop})")
    found = []
    for delays in ([0], [0.02, 0.01, 0], [0, 0, 0.015], [0.01, 0, 0.02, 0.005, 0]):
        client = Recorded(two_stages, delays)
        answer = strategy.run(PENS, LLM(client))
        found.append((answer.value, answer.votes, answer.usage.calls, sorted(client.draws)))
    assert found.count(found[0]) == len(found)


@pytest.mark.parametrize("stop", STOPS)
def test_the_draws_of_a_stopped_run_are_the_first_of_a_full_one(stop: str) -> None:
    full = strategies.get("sc(cot, samples=24)")
    less = strategies.get(f"sc(cot, samples=24, {stop})")
    all_of_it, some = Recorded(two_stages), Recorded(two_stages)
    journal = Journal()
    full.run(PENS, LLM(all_of_it, journal=journal))
    before = len(all_of_it.draws)
    less.run(PENS, LLM(all_of_it, journal=journal))
    assert len(all_of_it.draws) == before  # nothing new
    journal = Journal()
    few = less.run(PENS, LLM(some, journal=journal))
    assert few.votes is not None
    assert few.usage.calls == len(some.draws) < before
    full.run(PENS, LLM(some, journal=journal))
    assert sorted(some.draws) == sorted(all_of_it.draws)  # the rest was bought, and no more


def test_where_all_agree_four_draws_are_enough_and_leave_as_one_request() -> None:
    llm = ScriptedLLM(lambda m: FIVE[0])
    strategy = strategies.get("self_consistency(cot(shots=1), samples=40, stop='beta', threshold=0.95)")
    answer = strategy.run(PENS, llm)
    assert (answer.value, answer.confidence) == (10.5, 1)
    assert llm.calls == call_counts.calls(strategy, drawn=4) == strategy.calls_range()[0] == 4
    assert llm.rounds == call_counts.rounds(strategy, rounds=1)
    assert strategy.calls_range() == (4, 40)
    assert len(llm.requests) == 1
    assert answer.votes is not None
    assert (answer.votes.total, answer.votes.drawn) == (4, 4)


@pytest.mark.parametrize(
    ("parameters", "calls"),
    [
        ("samples=7", (7, 14)),
        ("samples=40, stop='beta'", (4, 80)),
        ("samples=3, stop='beta'", (3, 6)),
        ("samples=40, stop='beta', threshold=0.99", (6, 80)),
        ("samples=40, stop='decided'", (21, 80)),
        ("samples=40, stop='window', window=8", (8, 80)),
        ("samples=40, stop='dirichlet', wave=10", (10, 80)),
    ],
)
def test_the_card_gives_a_range(parameters: str, calls: tuple[int, int]) -> None:
    assert strategies.get(f"sc(cot, {parameters})").calls_range() == calls


@pytest.mark.parametrize(
    ("parameters", "said", "counts"),
    [
        ("samples=4", [1, 2, 3, 3], {}),
        ("samples=40, stop='beta'", [1, 1, 1, 1], {"drawn": 4, "rounds": 1}),
        ("samples=40, stop='beta'", [1, 1, 2, 1, 1, 1, 1], {"drawn": 7, "rounds": 2}),
        ("samples=40, stop='beta', wave=10", [1, 1, 2, 1, 1, 1, 1, 1, 1, 1], {"drawn": 10, "rounds": 1}),
        ("samples=40, stop='window', window=2", [1, 2, 3, 4, 5, 5], {"drawn": 6, "rounds": 3}),
    ],
)
def test_the_waves_are_those_of_the_base_each_time_that_samples_are_drawn(
    parameters: str, said: list[int], counts: dict[str, int]
) -> None:
    chains, answers = itertools.count(), iter(said)
    llm = ScriptedLLM(
        lambda turns: f"chain {next(chains)}" if len(turns) == 1 else str(next(answers)), latency=0.01, max_n=1
    )
    strategy = strategies.get(f"sc(cot, {parameters})")
    strategy.run(PENS, llm)
    assert llm.calls == call_counts.calls(strategy, e=1, **counts) == 2 * len(said)
    assert llm.rounds == call_counts.rounds(strategy, e=1, **counts)


def test_a_divided_vote_draws_on_in_small_waves() -> None:
    said = iter([1, 1, 2, 1, 1, 1, 1, 9, 9, 9])
    llm = ScriptedLLM(lambda m: f"The answer is {next(said)}.")
    answer = strategies.get("sc(cot(shots=1), samples=40, stop='beta')").run(PENS, llm)
    assert answer.votes is not None
    assert answer.votes.counts == ((1, 6), (2, 1))
    assert llm.calls == 7
    assert len(llm.requests) == 2  # 4, then 3 that could end it
    assert answer.trace is not None
    assert [draw.draw for call in answer.trace.calls() for draw in call.completions] == list(range(7))


def test_what_a_greater_wave_buys_beyond_the_stopping_point_does_not_vote_and_is_told() -> None:
    said = iter([1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
    llm = ScriptedLLM(lambda m: f"The answer is {next(said)}.")
    answer = strategies.get("sc(cot(shots=1), samples=40, stop='beta', wave=10)").run(PENS, llm)
    assert answer.value == 1
    assert answer.votes is not None
    assert (answer.votes.total, answer.votes.drawn, answer.usage.calls) == (4, 10, 10)
    assert "6 more drawn than needed" in str(answer.votes)


def test_unread_and_failed_draws_do_not_bring_the_end_nearer() -> None:
    replies = [FIVE[0], "No idea.", CallFailed("lost"), *[FIVE[0]] * 3]
    llm = ScriptedLLM(replies, max_n=1)
    answer = strategies.get("sc(cot(shots=1), samples=10, stop='beta')").run(PENS, llm)
    assert answer.votes is not None
    assert (answer.votes.valid, answer.votes.unparsed, answer.votes.total) == (4, 2, 6)
    nothing = ScriptedLLM(lambda m: "No idea.")
    answer = strategies.get("sc(cot(shots=1), samples=10, stop='beta')").run(PENS, nothing)
    assert (answer.state, nothing.calls) == ("unparsed", 10)
    assert answer.reason == "no sample of 10 could be parsed"


def test_a_budget_for_what_the_rule_needs_is_enough() -> None:
    strategy = strategies.get("sc(cot(shots=1), samples=40, stop='beta')")
    llm = ScriptedLLM(lambda m: FIVE[0], budget=Budget(calls=4))
    assert strategy.run(PENS, llm).value == 10.5
    said = iter(range(40))
    divided = ScriptedLLM(lambda m: f"The answer is {next(said)}.", budget=Budget(calls=6), max_n=1)
    with pytest.raises(BudgetExhausted):
        strategy.run(PENS, divided)
    said = iter(range(40))
    own = strategy.run(PENS, ScriptedLLM(lambda m: f"The answer is {next(said)}."), budget=Budget(calls=6))
    assert (own.value, own.votes and own.votes.total) == (0, 6)
    assert "6 of at most 40 samples, since the budget is used up" in str(own.votes)


def test_a_small_majority_is_an_abstention_with_its_votes() -> None:
    strategy = strategies.get("sc(cot(shots=1), samples=5, min_share=0.8)")
    answer = strategy.run(PENS, ScriptedLLM(FIVE))
    assert (answer.state, answer.value) == ("unparsed", None)
    assert answer.reason == "no majority: 10.5 has 75% of the votes, min_share is 80%"
    assert answer.votes is not None
    assert answer.votes.counts == ((10.5, 3), (31.5, 1))
    assert strategies.get("sc(cot(shots=1), samples=5, min_share=0.75)").run(PENS, ScriptedLLM(FIVE)).value == 10.5


def said(text: str, *logprobs: float) -> Completion:
    return Completion(text, tokens=tuple(Token("x", logprob) for logprob in logprobs))


def test_log_probabilities_are_asked_for_and_weigh() -> None:
    replies = [
        said("The answer is 1.", -3, -3),
        said("The answer is 2.", -0.1, -0.1, -0.1),
        said("The answer is 1.", -4, -4),
    ]
    llm = ScriptedLLM(list(replies))
    answer = strategies.get("sc(cot(shots=1), samples=3, weigh='mean_probability')").run(PENS, llm)
    assert llm.requests[0].sampling["logprobs"] is True
    assert answer.value == 2
    assert answer.confidence == pytest.approx(math.exp(-0.1) / (math.exp(-0.1) + math.exp(-3) + math.exp(-4)))
    plain = ScriptedLLM(list(replies))
    assert strategies.get("sc(cot(shots=1), samples=3)").run(PENS, plain).value == 1
    assert "logprobs" not in plain.requests[0].sampling
    without = strategies.get("sc(cot(shots=1), samples=5, weigh='probability')").run(PENS, ScriptedLLM(FIVE))
    assert without.confidence == 0.75
    assert "samples without log-probabilities: 4; all weigh the same" in str(without.votes)


def test_a_verifier_sees_all_that_was_said() -> None:
    llm = ScriptedLLM(["I guess.", "Three cost 4.50. The answer is 10.5.", "I guess.", "7", "7"])
    weigh = lambda draw: 0.1 if "guess" in draw.text else 1.0  # noqa: E731
    answer = SelfConsistency(samples=3, weigh=weigh).run(PENS, llm)
    assert answer.value == 10.5
    assert answer.confidence == pytest.approx(1 / 1.2)


def test_the_longest_chains_vote() -> None:
    chains = ["One.\nTwo.\nThree.\nThe answer is 7.", "One.\nThe answer is 8.", "Two.\nThe answer is 8."]
    assert strategies.get("sc(cot(shots=1), samples=3)").run(PENS, ScriptedLLM(chains)).value == 8
    answer = strategies.get("sc(cot(shots=1), samples=3, most_complex=1)").run(PENS, ScriptedLLM(chains))
    assert answer.value == 7
    assert answer.votes is not None
    assert answer.votes.excluded == 2


def test_only_programs_that_run_vote() -> None:
    good, bad = "```python\nx = 3\n```\nThe answer is 3.", "```python\nx = 1 / 0\n```\nThe answer is 4."
    llm = ScriptedLLM([bad, good, bad])
    answer = strategies.get("sc(cot(stages=1), samples=3, keep='executed')").run(PENS, llm)
    assert (answer.value, answer.confidence) == (3, 1)
    assert answer.votes is not None
    assert answer.votes.excluded == 2
    none = strategies.get("sc(cot(stages=1), samples=1, keep='executed')").run(PENS, ScriptedLLM([bad]))
    assert none.reason == "no sample of 1 voted: 0 unparsed, 1 excluded by the filter"


def test_answers_that_mean_the_same_are_one_and_count_for_the_rule() -> None:
    words = Problem("What is it?", kinds.Text())
    replies = iter(["The answer is a car.", "The answer is an automobile.", "The answer is car", "The answer is auto."])
    llm = ScriptedLLM(lambda m: next(replies))
    cars = {"a car", "an automobile", "car", "auto"}
    strategy = SelfConsistency(ChainOfThought(stages=1), stop="beta", group=lambda a, b: {a, b} <= cars)
    answer = strategy.run(words, llm)
    assert llm.calls == 4
    assert answer.votes is not None
    assert [count for _, count in answer.votes.counts] == [4]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("stop='bta'", "unknown stop 'bta' at column 1 .*; did you mean 'beta'"),
        ("weigh='probable'", "unknown weigh 'probable' at column 1 .*; did you mean 'probability'"),
        ("keep='execute'", "unknown keep 'execute' at column 1 .*; did you mean 'executed'"),
        ("threshold=0.2, stop='beta'", "threshold must be a probability above 0.5"),
        ("min_share=50", "min_share must be at most 1, got 50"),
        ("window=0", "window must be at least 1"),
        ("most_complex=0", "most_complex must be at least 1"),
        ("stop='beta', most_complex=3", "counts votes one by one: leave most_complex out"),
        ("stop='window', weigh='probability'", "counts votes one by one: leave weigh out"),
        ("group=3", "group must be"),
    ],
)
def test_what_makes_no_sense_is_said(parameters: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        strategies.get(f"sc(cot, {parameters})")


def test_a_spec_with_a_rule_and_its_repr() -> None:
    spec = "self_consistency(cot, samples=20, stop='beta', threshold=0.9, min_share=0.5)"
    assert repr(strategies.get(spec)) == spec
    assert strategies.get(spec).rule == Beta(0.9)


@pytest.mark.parametrize("max_n", [1, 4, 64])
@pytest.mark.parametrize(("calls", "value"), [(1, 7), (3, 7), (5, 8), (8, 8)])
def test_as_many_samples_as_the_budget_of_a_problem_buys_have_the_vote(max_n: int, calls: int, value: int) -> None:
    said = iter([7, 7, 8, 8, 8, 8, 7, 8])
    llm = ScriptedLLM(lambda turns: f"The answer is {next(said)}.", max_n=max_n)
    answer = SelfConsistency(ChainOfThought(stages=1), samples=10).run(
        Problem("How many?", kinds.Number()), llm, budget=Budget(calls=calls)
    )
    assert (answer.value, answer.usage.calls, llm.calls) == (value, calls, calls)
    assert answer.votes is not None
    assert (answer.votes.total, answer.votes.drawn) == (calls, calls)
    said_so = f"{calls} of at most 10 samples, since the budget is used up"
    assert said_so in str(answer.votes)
    assert answer.trace is not None
    assert any(said_so in note.text for note in answer.trace.events if isinstance(note, Note))


def test_samples_of_several_calls_that_the_budget_covers_are_finished() -> None:
    """A sample whose second call is not covered has no vote, and does not stop the others."""
    llm = ScriptedLLM(lambda turns: "7" if len(turns) > 1 else "Let me see.", max_n=1, latency=0.01)
    answer = SelfConsistency(ChainOfThought(stages=2), samples=4).run(
        Problem("How many?", kinds.Number()), llm, budget=Budget(calls=7)
    )
    assert (answer.value, llm.calls) == (7, 7)
    assert answer.votes is not None
    assert answer.votes.total == 3


def test_without_a_sample_there_is_no_vote() -> None:
    llm = ScriptedLLM(lambda turns: "The answer is 7.")
    answer = SelfConsistency(ChainOfThought(stages=1), samples=5).run(
        Problem("How many?", kinds.Number()), llm, budget=Budget(calls=0)
    )
    assert (answer.state, answer.votes, llm.calls) == ("unparsed", None, 0)
    assert answer.reason == "the budget is used up: 0 of 0 calls are spent, and the next call may need 1"


@pytest.mark.parametrize("budgets", [(2, 3), (3, 3)])
def test_the_budget_of_the_run_ends_the_run_and_not_the_vote(budgets: tuple[int, int]) -> None:
    whole, own = budgets
    llm = ScriptedLLM(lambda turns: "The answer is 7.", budget=Budget(calls=whole))
    vote = SelfConsistency(ChainOfThought(stages=1), samples=5)
    if whole < own:
        with pytest.raises(BudgetExhausted, match="2 of 2 calls"):
            vote.run(Problem("How many?", kinds.Number()), llm, budget=Budget(calls=own))
    else:
        assert vote.run(Problem("How many?", kinds.Number()), llm, budget=Budget(calls=own)).value == 7


def test_a_wave_that_the_budget_does_not_cover_leaves_the_vote_to_those_before() -> None:
    said = iter([1, 2, 1, 2, 1, 2, 3])
    llm = ScriptedLLM(lambda turns: f"The answer is {next(said)}.", max_n=1)
    answer = strategies.get("sc(cot(stages=1), samples=40, stop='beta')").run(
        Problem("How many?", kinds.Number()), llm, budget=Budget(calls=5)
    )
    assert answer.value == 1
    assert answer.votes is not None
    assert answer.votes.counts == ((1, 3), (2, 2))


@pytest.mark.parametrize(
    "spec", ["universal_self_consistency(cot(stages=1), samples=5)", "ensemble_refinement(cot(stages=1), drafts=5)"]
)
def test_the_vote_decides_where_the_budget_does_not_cover_the_choice(spec: str) -> None:
    for calls in (3, 5):
        said = iter([7, 7, 8, 9, 7])
        llm = ScriptedLLM(lambda turns, said=said: f"The answer is {next(said)}.")  # type: ignore[misc]
        answer = strategies.get(spec).run(Problem("How many?", kinds.Number()), llm, budget=Budget(calls=calls))
        assert (answer.value, llm.calls) == (7, calls)
        assert ("3 of at most 5 samples, since the budget is used up" in str(answer.votes)) == (calls == 3)


def test_any_solve_that_the_budget_ends_has_what_was_said_last() -> None:
    llm = ScriptedLLM(["a first thought", "never asked"])
    answer = ChainOfThought().run(Problem("How many?", kinds.Number()), llm, budget=Budget(calls=1))
    assert (answer.state, answer.text) == ("unparsed", "a first thought")
