"""Editing a chain of thought: each sentence is replaced by the answer to the question that it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.retrieval import Retriever
from reasoning.session import Session
from reasoning.strategies.evidence import find_evidence
from reasoning.strategies.in_forks import for_each
from reasoning.strategies.verification.verifying import parse_fact, parse_question


@dataclass(frozen=True)
class Editor:
    """The prompts and the texts by which sentences are checked; see `VerifyAndEdit`.

    Attributes:
        ask: asks for the question that a sentence answers.
        answer: asks for the answer to a question, from evidence.
        recall: asks for the answer to a question, from memory; used without a retriever.
        retriever: where to search, or None.
        keep: the sentences of evidence for a question.
        embeddings: the model by which they are ranked, or None for a ranking by words.
    """

    ask: Prompt
    answer: Prompt
    recall: Prompt
    retriever: Retriever | None
    keep: int
    embeddings: str | None

    async def edit(self, sentences: Sequence[str], problem: Problem, session: Session) -> list[str]:
        """Return the sentences, each replaced by a fact if one is found, in the same order and number."""

        async def ask(sentence: str, fork: Session) -> str:
            return parse_question((await fork.ask(self.ask.render(problem, sentence=sentence), temperature=0)).text)

        async def find(question: str, fork: Session) -> list[str]:
            if self.retriever is None or not question:
                return []
            return await find_evidence(question, self.retriever, fork, keep=self.keep, embeddings=self.embeddings)

        async def answer(check: tuple[str, list[str]], fork: Session) -> str:
            question, evidence = check
            if not question or (self.retriever and not evidence):
                return ""
            prompt = self.answer if evidence else self.recall
            listed = "\n".join(f"- {sentence}" for sentence in evidence)
            turns = prompt.fill(question=question, evidence=listed)
            return parse_fact((await fork.ask(turns, temperature=0)).text)

        if not sentences:
            return []
        with session.stage("verifying questions"):
            questions = [question or "" for question in await for_each(sentences, ask, session, "sentence")]
        if self.retriever is None:
            session.note("there is no text to search in: the model answers the questions from memory")
            found: Sequence[list[str] | None] = [[]] * len(questions)
        else:
            with session.stage("evidence"):
                found = await for_each(questions, find, session, "question")
        with session.stage("verifying answers"):
            checks = [(question, evidence or []) for question, evidence in zip(questions, found, strict=True)]
            facts = await for_each(checks, answer, session, "question")
        return [fact or sentence for fact, sentence in zip(facts, sentences, strict=True)]
