"""Tree of thoughts: the search over a small task of our own, then over questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from reasoning import Budget, Journal, Problem, connect, kinds, strategies
from reasoning.answer import Answer
from reasoning.errors import AuthenticationFailed, BudgetExhausted, CallFailed, UnknownName, UsageError
from reasoning.messages import Completion, Conversation, Message
from reasoning.prompts import Prompt
from reasoning.strategies.cli import strategies_app
from reasoning.strategies.search.search_task import SearchTask, parse_label
from reasoning.strategies.search.stepwise import Steps
from reasoning.strategies.search.tree_of_thoughts import TreeOfThoughts
from reasoning.strategies.search.tree_search import best
from reasoning.strategies.search.verdicts import parse_choice
from reasoning.testing import ScriptedLLM
from reasoning.trace import Note
from tests import call_counts

Path_ = tuple[str, ...]

NEXT = Prompt(input="{problem} Next after {done}?")
RATE = Prompt(input="{problem} Rate {done}")


@dataclass(frozen=True)
class Bits(SearchTask[Path_]):
    """Find a word of zeros and ones."""

    name: ClassVar[str] = "bits"
    next: Prompt = NEXT
    rate: Prompt = RATE

    def start(self, problem: Problem) -> Path_:
        return ()

    def propose(self, problem: Problem, state: Path_) -> Conversation:
        return self.next.render(problem, done="".join(state) or "-")

    def parse_proposals(self, problem: Problem, state: Path_, replies: Sequence[str]) -> list[Path_]:
        return [(*state, line) for reply in replies for line in reply.splitlines() if line in ("0", "1")]

    def judge(self, problem: Problem, state: Path_) -> Sequence[Conversation]:
        return [self.rate.render(problem, done="".join(state))]

    def value(self, replies: Sequence[str]) -> float:
        return sum(float(reply) for reply in replies if reply.isdigit())

    def show(self, problem: Problem, state: Path_) -> str:
        return f"The answer is {''.join(state)}." if state else ""


WORD = Problem("Which word?")


def player(target: str, proposals: str = "0\n1") -> Callable[[tuple[Message, ...]], str]:
    """A model that rates a word by how many of its letters are the target's."""

    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[-1].content
        if "Next" in said:
            return proposals
        word = said.rpartition(" ")[2]
        return str(sum(a == b for a, b in zip(word, target, strict=False)))

    return reply


# --- the search


@pytest.mark.parametrize(
    ("settings", "counts"),
    [
        ({"breadth": 2, "depth": 3}, {"x": 1 + 2 + 2, "j": 2 + 4 + 4, "g": 3, "w": 3}),
        ({"breadth": 1, "depth": 3, "judgements": 1}, {"x": 3, "j": 6, "g": 3, "w": 3}),
        ({"breadth": 4, "depth": 2, "draws": 2, "judgements": 2}, {"x": 1 + 2, "j": 2 + 4, "g": 2, "w": 2}),
        ({"breadth": 2, "depth": 3, "search": "beam"}, {"x": 5, "j": 10, "g": 3, "w": 3}),
        ({"search": "dfs", "depth": 3, "limit": 3, "judgements": 1}, {"x": 2, "j": 3, "g": 2, "w": 3}),
    ],
)
def test_the_number_of_calls_is_the_cards(settings: dict[str, int], counts: dict[str, int]) -> None:
    strategy = TreeOfThoughts(task=Bits(), **settings)  # type: ignore[arg-type]
    llm = ScriptedLLM(player("101"), latency=0.01, max_n=1)
    answer = strategy.run(WORD, llm)
    assert llm.calls == answer.usage.calls == call_counts.calls(strategy, **counts)
    assert llm.rounds == call_counts.rounds(strategy, **counts)
    low, high = strategy.calls_range()
    assert low <= llm.calls <= high
    assert {request.sampling["temperature"] for request in llm.requests} == {0.7}


def test_the_best_states_of_each_level_are_kept_and_told_apart_from_the_answer() -> None:
    answer = TreeOfThoughts(task=Bits(), breadth=2, depth=3).run(WORD, ScriptedLLM(player("101")))
    assert answer.value == "101"
    assert answer.steps == {"first_ranked": "101", "kept": ("101", "100")}
    assert answer.trace is not None
    assert answer.trace.events[-1] == Note("first-ranked: 101; any of the kept: 101 | 100")


def test_ties_go_to_what_came_first() -> None:
    assert best("abcde", [1, 3, 2, 3, 3], 4) == ["b", "d", "e", "c"]
    assert best("ab", [1.0, 2.0], 5) == ["b", "a"]


def test_the_calls_of_a_level_go_out_together() -> None:
    llm = ScriptedLLM(player("101"), latency=0.02, max_n=1)
    TreeOfThoughts(task=Bits(), breadth=2, depth=3).run(WORD, llm)
    assert llm.peak_concurrency == 4 * 3  # four states, three draws each
    together = ScriptedLLM(player("101"))
    TreeOfThoughts(task=Bits(), breadth=2, depth=3).run(WORD, together)
    assert len(together.requests) == 5 + 10  # three draws are one request


def test_the_same_run_again_takes_every_draw_from_the_journal() -> None:
    journal = Journal()
    strategy = TreeOfThoughts(task=Bits(), breadth=2, depth=3)
    first = strategy.run(WORD, ScriptedLLM(player("101"), journal=journal))
    again = ScriptedLLM([], journal=journal)
    assert strategy.run(WORD, again) == first
    assert again.calls == 0


def test_a_state_is_explored_once_and_judged_once() -> None:
    llm = ScriptedLLM(player("11", proposals="1\n1\n0"))
    TreeOfThoughts(task=Bits(), depth=1, draws=2, judgements=1).run(WORD, llm)
    assert llm.calls == 2 + 2

    @dataclass(frozen=True)
    class Sums(Bits):
        def judge(self, problem: Problem, state: Path_) -> Sequence[Conversation]:
            return [self.rate.render(problem, done="".join(sorted(state)))]

    llm = ScriptedLLM(player("11"), latency=0.01)
    strategy = TreeOfThoughts(task=Sums(), depth=2, judgements=1)
    strategy.run(WORD, llm)
    assert llm.calls == call_counts.calls(strategy, x=3, j=2 + 3)  # 01 and 10 look the same to the judge
    assert llm.rounds == call_counts.rounds(strategy, g=2, w=2)


def test_at_most_so_many_children() -> None:
    llm = ScriptedLLM(player("11"))
    TreeOfThoughts(task=Bits(), depth=1, children=1, judgements=1).run(WORD, llm)
    assert llm.calls == 1 + 1


def test_a_beam_ranks_by_the_whole_way() -> None:
    values = {"0": "5", "1": "9", "00": "9", "01": "1", "10": "8", "11": "1"}

    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[-1].content
        return "0\n1" if "Next" in said else values[said.rpartition(" ")[2]]

    found = {
        how: TreeOfThoughts(task=Bits(), search=how, depth=2, judgements=1).run(WORD, ScriptedLLM(reply)).value
        for how in ("bfs", "beam")
    }
    assert found == {"bfs": "00", "beam": "10"}


def test_depth_first_goes_back_where_a_value_is_low() -> None:
    asked: list[str] = []

    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[-1].content
        asked.append(said.rpartition("? ")[2])
        word = said.rpartition(" ")[2]
        return "0\n1" if "Next" in said else "0" if word.startswith("0") or word == "10" else "1"

    llm = ScriptedLLM(reply)
    strategy = TreeOfThoughts(task=Bits(), search="dfs", depth=2, judgements=1)
    answer = strategy.run(WORD, llm)
    assert asked == ["Next after -?", "Rate 0", "Rate 1", "Next after 1?", "Rate 10", "Rate 11"]
    assert answer.value == "11"
    assert answer.steps["kept"] == ("11", "1")
    assert llm.calls == call_counts.calls(strategy, x=2, j=4)
    assert llm.rounds == call_counts.rounds(strategy, g=2, w=4)
    assert llm.peak_concurrency == 1


def test_depth_first_ends_at_its_limit_and_at_a_finished_state() -> None:
    llm = ScriptedLLM(player("111"))
    TreeOfThoughts(task=Bits(), search="dfs", depth=9, limit=4, judgements=1, threshold=-1).run(WORD, llm)
    assert sum("Rate" in prompt for prompt in llm.prompts) == 4

    @dataclass(frozen=True)
    class Ends(Bits):
        def is_finished(self, problem: Problem, state: Path_) -> bool:
            return len(state) == 2

    llm = ScriptedLLM(player("00"))
    answer = TreeOfThoughts(task=Ends(), search="dfs", depth=9, judgements=1).run(WORD, llm)
    assert (answer.value, llm.calls) == ("00", 2 + 2)


def test_where_all_is_pruned_or_nothing_grows_the_best_so_far_is_the_answer() -> None:
    def dry(turns: tuple[Message, ...]) -> str:
        said = turns[-1].content
        return "1" if "Rate" in said else "0\n1" if said.endswith("-?") else "I cannot go on."

    for how in ("bfs", "dfs"):
        answer = TreeOfThoughts(task=Bits(), search=how, judgements=1).run(WORD, ScriptedLLM(dry))  # type: ignore[arg-type]
        assert answer.value == "0"
    found: set[Any] = set()
    for how in ("bfs", "dfs"):  # no rating can be read: all have the value 0
        model = ScriptedLLM(lambda turns: "Hm." if "Judge" in turns[0].content else "1. The answer is 42.")
        found.add(TreeOfThoughts(task=Steps(), search=how).run(SOUP, model).value)  # type: ignore[arg-type]
    assert found == {42}
    nothing = TreeOfThoughts(task=Bits()).run(WORD, ScriptedLLM(["Sorry."]))
    assert nothing.state == "unparsed"
    assert nothing.steps == {"first_ranked": None, "kept": ()}


def test_ratings_that_cannot_be_read_do_not_count() -> None:
    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[-1].content
        return "0\n1" if "Next" in said else "fine" if said.endswith("0") else "3"

    assert TreeOfThoughts(task=Bits(), depth=1).run(WORD, ScriptedLLM(reply)).value == "1"


def test_a_failed_call_costs_its_branch_only_and_all_failed_is_failed() -> None:
    def reply(turns: tuple[Message, ...]) -> str | Exception:
        said = turns[-1].content
        if said.endswith(("Next after 0?", "Rate 11")):
            return CallFailed("lost")
        return player("000")(turns)

    answer = TreeOfThoughts(task=Bits(), breadth=2, depth=2).run(WORD, ScriptedLLM(reply))
    assert answer.value == "10"
    assert TreeOfThoughts(task=Bits()).run(WORD, ScriptedLLM(lambda turns: CallFailed("lost"))).state == "failed"
    with pytest.raises(AuthenticationFailed):
        TreeOfThoughts(task=Bits()).run(WORD, ScriptedLLM(lambda turns: AuthenticationFailed("no key")))


@pytest.mark.parametrize("search", ["bfs", "beam"])
@pytest.mark.parametrize(("what", "letters"), [("Next", 2), ("Rate", 3)])
def test_a_level_of_which_all_calls_fail_leaves_the_best_before_it(search: str, what: str, letters: int) -> None:
    def reply(turns: tuple[Message, ...]) -> str | Exception:
        said = turns[-1].content
        word = said.rpartition(" ")[2].rstrip("?")
        return CallFailed("lost") if what in said and len(word) == letters else player("101")(turns)

    strategy = TreeOfThoughts(task=Bits(), search=search, breadth=2, depth=3)  # type: ignore[arg-type]
    answer = strategy.run(WORD, ScriptedLLM(reply))
    assert answer.value == "10"
    assert answer.steps["kept"] == ("10", "11")
    assert "all calls failed (lost): the states so far are kept" in str(answer.trace.to_json())  # type: ignore[union-attr]


@pytest.mark.parametrize("search", ["bfs", "dfs"])
def test_no_answer_after_failed_calls_is_failed_and_not_wrong(search: str) -> None:
    def reply(turns: tuple[Message, ...]) -> str | Exception:
        said = turns[0].content + turns[-1].content
        if "Judge" in said:
            return "Score: 5"
        return "1. Take 6 bowls." if "(nothing yet)" in said else CallFailed("lost")

    answer = TreeOfThoughts(task=Steps(), search=search).run(SOUP, ScriptedLLM(reply))  # type: ignore[arg-type]
    assert (answer.state, answer.reason) == ("failed", "lost")
    assert (answer.text, answer.steps["kept"]) == ("Take 6 bowls.", ())  # no end, and no answer


def test_a_conclusion_that_was_cut_off_counts_only_where_it_had_stated_its_answer() -> None:
    def answer(end: str, kind: kinds.Kind = SOUP.kind) -> Answer:
        cut = Completion(end, finish_reason="length")
        return strategies.get("tot(task='steps', depth=1)").run(Problem("How many?", kind), ScriptedLLM(lambda _: cut))

    assert answer("A pot holds 6 bowls of soup. So seven pots hold 4").state == "unparsed"
    assert answer("Roses are red. Violets are", kinds.Text(whole=True)).state == "unparsed"
    assert answer("The answer is 42.\nTo check, 42 divided by").value == 42


def test_a_draw_that_fails_leaves_the_others_of_its_prompt() -> None:
    lost = iter([True])

    def reply(turns: tuple[Message, ...]) -> str | Exception:
        said = turns[-1].content
        if said.endswith("Rate 1") and next(lost, False):
            return CallFailed("lost")
        return "0\n1" if "Next" in said else "9" if said.endswith("1") else "2"

    llm = ScriptedLLM(reply, max_n=1)
    answer = TreeOfThoughts(task=Bits(), breadth=1, depth=1).run(WORD, llm)
    assert answer.value == "1"
    assert llm.calls == 1 + 2 * 3 - 1


def test_depth_first_leaves_a_branch_whose_calls_fail() -> None:
    def reply(turns: tuple[Message, ...]) -> str | Exception:
        said = turns[-1].content
        return CallFailed("lost") if said.endswith(("Rate 0", "Next after 10?")) else player("111")(turns)

    strategy = TreeOfThoughts(task=Bits(), search="dfs", depth=3, judgements=1)
    answer = strategy.run(WORD, ScriptedLLM(reply))
    assert answer.steps["kept"] == ("111", "110", "11", "10", "1")
    assert strategy.run(WORD, ScriptedLLM(lambda turns: CallFailed("lost"))).state == "failed"
    with pytest.raises(AuthenticationFailed):
        strategy.run(WORD, ScriptedLLM(["0\n1", AuthenticationFailed("no key")]))


def test_a_budget_that_ends_in_the_middle() -> None:
    strategy = TreeOfThoughts(task=Bits(), breadth=2, depth=3)
    llm = ScriptedLLM(player("101"))
    answer = strategy.run(WORD, llm, budget=Budget(calls=12))
    assert answer.state == "unparsed"
    assert "budget" in answer.reason or "calls" in answer.reason
    assert 7 <= llm.calls <= 12
    assert (answer.text, answer.steps["kept"]) == ("The answer is 1.", ("1", "0"))
    deep = TreeOfThoughts(task=Bits(), search="dfs", depth=3, judgements=1)
    answer = deep.run(WORD, ScriptedLLM(player("111")), budget=Budget(calls=5))
    assert (answer.state, answer.text) == ("unparsed", "The answer is 10.")
    empty = strategy.run(WORD, ScriptedLLM(player("101")), budget=Budget(calls=1))
    assert (empty.text, empty.steps) == ("0\n1", {})
    with pytest.raises(BudgetExhausted):
        strategy.run(WORD, ScriptedLLM(player("101"), budget=Budget(calls=12)))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'game24'"):
        strategies.get("tree_of_thoughts(task='game42')")
    with pytest.raises(UsageError, match="one state at a time"):
        strategies.get("tot(search='dfs', evaluate='vote')")
    with pytest.raises(UsageError, match="use generate='propose'"):
        TreeOfThoughts(task=Bits(), generate="sample").run(WORD, ScriptedLLM([]))
    with pytest.raises(UnknownName, match="did you mean 'steps'"):
        strategies.get("tot(task=('game24', 'step'))")
    with pytest.raises(UsageError, match="task must not be empty"):
        strategies.get("tot(task=())")
    assert [one.name for one in strategies.get("tot(task=('game24', 'steps'))").tasks] == ["game24", "steps"]  # type: ignore[attr-defined]
    assert repr(strategies.get("tot(breadth=2, task='steps')")) == "tree_of_thoughts(task='steps', breadth=2)"


def test_its_prompts_can_be_read_and_replaced() -> None:
    assert {"game24.rate", "crosswords.check", "steps.next"} <= set(TreeOfThoughts().prompts)
    assert set(TreeOfThoughts(task="game24").prompts) == {
        f"game24.{name}" for name in ("ballot", "step", "expression", "rate", "review")
    }
    mine = TreeOfThoughts(task=Bits(rate=NEXT, ballot=RATE))
    assert mine.prompts == {"bits.ballot": RATE, "bits.next": NEXT, "bits.rate": NEXT}
    shown = CliRunner().invoke(strategies_app, ["show", "tree_of_thoughts(task='game24')"])
    assert "prompt tree_of_thoughts.game24.review" in shown.stdout


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("… The best choice is 3.", 2),
        ("The best choice is **12**", 11),  # whole, not its last digit
        ("The best choice is candidate 1, not 2.\nThe best choice is 2", 1),
        ("Best choice: 4", 3),
        ("The best choice is 13", None),
        ("The best choice is 0", None),
        ("I like all of them.", None),
    ],
)
def test_ballots(said: str, place: int | None) -> None:
    assert parse_choice(said, 12) == place


def test_labels_are_read_on_the_last_line() -> None:
    known = ("sure", "likely", "impossible")
    assert parse_label("sure?\n10 + 14 = 24\n**Sure**.\n", known) == "sure"
    assert parse_label("It is surely likely", known) == "likely"
    assert parse_label("sure\nfor now", known) is None
    assert parse_label("", known) is None
    assert parse_label("I am not sure.", known) is None
    assert parse_label("not sure, but likely", known) == "likely"
    assert parse_label("sure, likely or impossible", known) is None  # the words of the prompt


# --- questions


SOUP = Problem("A pot holds 6 bowls of soup. How many bowls hold 7 pots?", kinds.Number())


def cook(turns: tuple[Message, ...]) -> str:
    said = turns[0].content + turns[-1].content
    if "Judge the beginning" in said:
        return "Good.\nScore: 9" if "times" in said else "Bad.\nScore: 2/10"
    if "candidates for the next step" in said:
        return "Here they are:\n1. It is seven times six.\n2. It is six and\n   seven added.\n3) Guess."
    return "So it is 42. The answer is 42." if "times" in said else "The answer is 13."


def test_a_question_is_solved_step_by_step() -> None:
    llm = ScriptedLLM(cook, latency=0.01)
    strategy = strategies.get("tree_of_thoughts(breadth=2, depth=2)")
    answer = strategy.run(SOUP, llm)
    assert answer.value == 42
    assert llm.calls == call_counts.calls(strategy, x=1 + 2, j=3 + 2)
    assert llm.rounds == call_counts.rounds(strategy, g=2, w=2)
    propose, *rated, _, _, _, _ = llm.requests
    assert "(nothing yet)" in propose.messages[-1].content
    assert SOUP.question in propose.messages[-1].content
    assert "1. It is six and\n   seven added." in rated[1].messages[-1].content
    assert "seven times six" not in rated[1].messages[-1].content  # judged alone
    last = [
        request.messages[-1].content for request in llm.requests if "Go on from here" in request.messages[-1].content
    ]
    assert len(last) == 2
    assert all(SOUP.kind.instruction() in said for said in last)


def test_options_and_numbers_are_chosen_by_a_vote_that_values_weigh() -> None:
    task = Steps()
    read = [(SOUP.parse(f"The answer is {number}."), value) for number, value in ((5, 9.0), (7, 6.0), (7, 5.0))]
    assert task.choose(SOUP, read).value == 7
    text = Problem("Why?")
    assert task.choose(text, [(text.parse(f"The answer is {word}."), 1.0) for word in "abb"]).value == "a"
    assert task.choose(SOUP, [(SOUP.parse("I don't know."), 1.0)]).state == "unparsed"


def test_a_finished_path_keeps_its_place_and_ends_the_search() -> None:
    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[0].content + turns[-1].content
        if "Judge" in said:
            return "Score: 10" if "The answer is" in turns[-1].content else "Score: 4"
        return "1. The answer is 42.\n2. Think more."

    llm = ScriptedLLM(reply, latency=0.01, max_n=1)
    strategy = strategies.get("tree_of_thoughts(breadth=1)")
    assert strategy.run(SOUP, llm).value == 42
    assert llm.calls == call_counts.calls(strategy, x=1, j=2)
    assert llm.rounds == call_counts.rounds(strategy, g=1, w=1)


def test_where_no_breadth_is_given_it_is_the_tasks() -> None:
    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[0].content + turns[-1].content
        return "Score: 5" if "Judge" in said else "1. One.\n2. Two.\n3. Three."

    llm = ScriptedLLM(reply)
    strategies.get("tree_of_thoughts(depth=3, judgements=1)").run(Problem("Why?"), llm)
    assert llm.calls == 1 + 3 + 3 + 9 + 3 + 3
    low, high = strategies.get("tree_of_thoughts(depth=3, judgements=1)").calls_range()
    assert low <= llm.calls <= high
    assert repr(strategies.get("tree_of_thoughts")) == "tree_of_thoughts"
    assert strategies.get("tree_of_thoughts").calls_range() == strategies.get("tot(breadth=5)").calls_range()


def test_replies_without_a_list_or_a_score() -> None:
    task = Steps()
    assert task.parse_proposals(SOUP, ("a",), ["Just multiply.\nThen stop.", ""]) == [
        ("a", "Just multiply.\nThen stop.")
    ]
    assert task.parse_sample(SOUP, (), "  ") is None
    assert task.value(["Score: 8", "no idea", "**Score:** 10/10", "Score: 47"]) == 9
    assert task.value(["Score (1-10): 8", "I give a score of 9", "Score: 7.5", "Score: 100"]) == pytest.approx(24.5 / 3)
    assert task.value(["hm", "Score 0"]) == 0
    assert task.value([]) == 0


def test_writing_is_sampled_and_voted_on() -> None:
    counter = iter(range(1, 1000))

    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[0].content + turns[-1].content
        if "The candidates" in said:
            return "The second.\nThe best choice is 2"
        return f"text {next(counter)}"

    llm = ScriptedLLM(reply, latency=0.01)
    strategy = strategies.get(
        "tree_of_thoughts(generate='sample', evaluate='vote', breadth=1, depth=2, draws=5, judgements=5, "
        "temperature=1.0)"
    )
    poem = Problem("Write a poem.", kinds.Text(whole=True))
    answer = strategy.run(poem, llm)
    assert llm.calls == call_counts.calls(strategy, x=2, j=2) == 20  # the paper's number
    assert llm.rounds == call_counts.rounds(strategy, g=2, w=2)
    assert answer.text == "text 7"  # the second text for the second plan
    assert "The solution so far:\n1. text 2" in llm.requests[2].messages[-1].content
    ballot = llm.requests[1].messages[-1].content
    assert all(f"Candidate {place}:\ntext {place}" in ballot for place in range(1, 6))
    assert {request.sampling["temperature"] for request in llm.requests} == {1.0}
    alone = ScriptedLLM(lambda turns: "one")
    strategies.get("tot(generate='sample', evaluate='vote', depth=1, draws=3)").run(poem, alone)
    assert alone.calls == 3  # one candidate needs no vote
    assert alone.rounds == call_counts.rounds(strategy, g=1, w=0)


def test_a_line_that_was_cut_off_is_left_out() -> None:
    def reply(turns: tuple[Message, ...]) -> str | Completion:
        if "Next" in turns[-1].content:
            return Completion("0\n1", finish_reason="length")
        return "1"

    answer = TreeOfThoughts(task=Bits(), depth=1).run(WORD, ScriptedLLM(reply))
    assert answer.steps["kept"] == ("0",)
    cut = [Completion("It is 7 times 6. That is fort", finish_reason="length"), "Score: 9"]
    strategies.get("tot(generate='sample', depth=2, breadth=1, judgements=1)").run(SOUP, llm := ScriptedLLM([*cut, ""]))
    assert "1. It is 7 times 6.\n\nBegin with" in llm.prompts[1]


def test_within_self_consistency() -> None:
    llm = ScriptedLLM(cook, latency=0.01)
    strategy = strategies.get("sc(tree_of_thoughts(breadth=1, depth=2, judgements=1), samples=2)")
    assert strategy.run(SOUP, llm).value == 42
    assert llm.calls == call_counts.calls(strategy, x=2, j=4)
    assert llm.rounds == call_counts.rounds(strategy, g=2, w=2)


@pytest.mark.model
def test_a_real_model_comes_to_an_end(smollm: Path) -> None:
    pytest.importorskip("xllamacpp")
    llm = connect(f"local:{smollm}", max_tokens=32, journal=False)
    strategy = strategies.get("tree_of_thoughts(breadth=1, depth=2, judgements=1)")
    answer = strategy.run(SOUP, llm)
    assert answer.state in ("answered", "unparsed")
    assert set(answer.steps) == {"first_ranked", "kept"}
    low, high = strategy.calls_range()
    assert low <= answer.usage.calls <= high  # so small a model may propose nothing that is a step
