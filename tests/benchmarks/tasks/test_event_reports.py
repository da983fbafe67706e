"""Three reports of a day: what is shared is known, and a summary is right by the places that it names."""

from __future__ import annotations

import reasoning
from reasoning.benchmarks import tasks
from reasoning.benchmarks.tasks.event_reports import _PLACES
from reasoning.testing import ScriptedLLM


def _named(text: str) -> set[str]:
    return {place for place in _PLACES if place in text}


def test_what_several_reports_tell_is_the_target() -> None:
    for example in tasks.get("reports").load(50, 3):
        named = [_named(report) for report in str(example.problem.context).split("\n---\n")]
        assert len(named) == 3
        shared = {place for place in set().union(*named) if sum(place in one for one in named) > 1}
        assert set(example.target.split("; ")) == shared
        assert len(shared) == 2
        assert len(set().union(*named)) == 5


def test_a_summary_names_what_is_shared_and_nothing_else() -> None:
    (example,) = tasks.get("reports").load(1, 3)
    first, second = example.target.split("; ")
    other = min(_named(str(example.problem.context)) - {first, second})
    assert example.score(f"A bell was found in {first}. In {second.upper()} something else took place.")
    assert not example.score(f"A bell was found in {first}.")
    assert not example.score(f"{first}, {second} and {other}")
    assert not example.score(None)


def test_chain_of_event_serves_it() -> None:
    (example,) = tasks.get("reports").load(1, 3)
    first, second = example.target.split("; ")

    def reply(turns: object) -> str:
        said = str(turns)
        if "Summary:" in said:
            return f"Summary: In {first} and in {second} two things took place."
        return "1, 2\n3, 4" if "Same events:" in said else f"- {first} was in the news | a place\n- {second} | a place"

    answer = reasoning.strategies.get("chain_of_event").run(example.problem, ScriptedLLM(reply))
    assert example.score(answer.value)
