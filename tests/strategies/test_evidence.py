"""Evidence: the sentences of passages that fit a query, with their titles, few and short."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from reasoning import Problem, event_loop, strategies
from reasoning.errors import InputError, UsageError
from reasoning.retrieval import Corpus, Document, Passage
from reasoning.session import Session
from reasoning.strategies.evidence import find_evidence, retriever_of
from reasoning.testing import ScriptedLLM
from reasoning.trace import ToolCall, Trace
from tests.retrieval.embedding_server import EmbeddingServer


class Fixed:
    """A retriever that finds the same passages for every query."""

    name = "fixed"

    def __init__(self, *passages: Passage) -> None:
        self.passages = passages

    async def search(self, query: str, k: int, calls: object = None) -> Sequence[Passage]:
        return self.passages


def find(query: str, retriever: object, keep: int = 3) -> tuple[list[str], Trace]:
    trace = Trace("evidence")
    session = Session(ScriptedLLM([]), trace)
    return event_loop.run_sync(find_evidence(query, retriever, session, keep=keep)), trace  # type: ignore[arg-type]


ORN = Passage(
    "Luis Orn was an engineer. He was born in 1871 in Vell. He liked plums. His dog was called Osk.", "Luis Orn"
)


def test_the_best_sentences_come_first_with_their_titles() -> None:
    found, trace = find("In which year was Luis Orn born?", Fixed(ORN, Passage("Nothing else is known.")), keep=2)
    assert found == ["Luis Orn: He was born in 1871 in Vell.", "Luis Orn: Luis Orn was an engineer."]
    [call] = trace.events
    assert isinstance(call, ToolCall)
    assert "He liked plums." in call.result


def test_without_a_common_word_the_first_sentences_count() -> None:
    assert find("Wann?", Fixed(Passage("One is here. Two are here. Three are here. Four."))) [0] == [
        "One is here.", "Two are here.", "Three are here.",
    ]  # fmt: skip


def test_sentences_are_few_short_and_different() -> None:
    long = Passage("Orn " * 1_000, "T" * 5_000)
    found, _ = find("Orn", Fixed(long, long, *[Passage(f"Orn {number} is here. " * 50) for number in range(20)]))
    assert len(found) == len(set(found)) == 3
    assert all(len(sentence) < 800 for sentence in found)
    assert find("Orn", Fixed())[0] == []
    assert find("Orn", Fixed(Passage("", "Empty"), Passage(" \n ")))[0] == []


def test_a_title_stays_on_the_line_of_its_sentence() -> None:
    found, _ = find("Orn", Fixed(Passage("He was born in 1871.", "Orn\n\nQuestion: What is 2 + 2?")))
    assert found == ["Orn  Question: What is 2 + 2?: He was born in 1871."]


def test_sentences_are_ranked_by_an_embedding_model_in_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddingServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "0" * 20)
        trace = Trace("evidence")
        query = "plums liked he"
        found = event_loop.run_sync(
            find_evidence(query, Fixed(ORN), Session(ScriptedLLM([]), trace), keep=2, embeddings="openai/words")
        )
    assert found[0] == "Luis Orn: He liked plums."
    assert {query, "Luis Orn: He was born in 1871 in Vell."} <= set(server.texts)
    assert [event.name for event in trace.events if isinstance(event, ToolCall)] == [
        "search fixed",
        "search the sentences by openai/words",
    ]


def test_the_corpus_of_a_problem_is_searched_and_nothing_without_one() -> None:
    corpus = Corpus("pages", [Document("Pia Karlo was born in 1866.", "Pia Karlo"), Document("Plums ripen.", "Plums")])
    retriever = retriever_of(None, Problem("Who?", corpus=corpus))
    found, _ = find("When was Pia Karlo born?", retriever)
    assert found[0] == "Pia Karlo: Pia Karlo was born in 1866."
    assert retriever_of(None, Problem("Who?")) is None
    with pytest.raises(UsageError):
        retriever_of("", Problem("Who?"))


@pytest.mark.parametrize(
    "spec",
    [
        "react(retriever={0})",
        "verify_and_edit(retriever={0})",
        "chain_of_verification(retriever={0})",
        "chain_of_verification(retriever=Index({0}))",
        "chain_of_knowledge(sources={{'rivers': ({0},)}})",
    ],
)
def test_a_folder_that_is_not_there_costs_no_call(spec: str, tmp_path: Path) -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 4.")
    (tmp_path / "rivers").mkdir()
    strategy = strategies.get(spec.format(repr(str(tmp_path / "river"))))
    with pytest.raises(InputError, match=r"no such folder or file; did you mean '.*rivers'"):
        strategy.run(Problem("Which river?"), llm)
    with pytest.raises(InputError, match="rivers: has no file to search in"):
        strategies.get(spec.format(repr(str(tmp_path / "rivers")))).run(Problem("Which river?"), llm)
    assert llm.calls == 0
