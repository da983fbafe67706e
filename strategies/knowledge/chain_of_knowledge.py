"""Chain-of-knowledge: correct the reasons for an answer one after the other, from several sources (Li et al. 2023)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from reasoning.answer import Answer, Answered, Failed
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.knowledge.knowledge_sources import QueryLanguage, Sources, check_sources, open_sources
from reasoning.strategies.knowledge.reason_editor import (
    ASK_SPARQL,
    ASK_SQL,
    ASK_TEXT,
    CHOOSE,
    EDIT,
    REPAIR,
    ReasonEditor,
    choose_domains,
    most_queries,
)  # fmt: skip
from reasoning.strategies.rationales import format_rationales, new_rationale, parse_rationales
from reasoning.strategies.reply_parsing import ask_or_skip
from reasoning.strategies.sampling.majority import first_text, majority_answer
from reasoning.strategies.sampling.sampling import draw_samples
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy, technique

REASON = Prompt(
    input="{problem}",
    recap='Give the two facts that the answer rests on, a sentence each: "First, ..." and "Second, ...". {instruction}',
)
GO_ON = Prompt(
    input="{problem}\n\nReasons so far, which were checked:\n{rationales}",
    recap="Write the next reason that follows, in one sentence. Do not give the answer.",
)
CONSOLIDATE = Prompt(input="{problem}\n\nReasons, which were checked:\n{rationales}", recap="{instruction}")


@technique(
    title="Chain-of-knowledge",
    authors="Li et al.",
    year=2023,
    arxiv="2305.13269",
    calls="samples + d + q + e + g + c",
    rounds="1 + d + w + e + g + c",
    counts="d: 1 if domains are chosen; q: queries, also corrected ones; w: rounds of queries; e: reasons that are "
    "edited; g: reasons that are written anew; c: 1 if there were reasons to correct",
    requires=("sampling", "sources, or a problem with a corpus or a table"),
    use_when="an answer rests on two or three facts, each following from the last, and sources have them: texts, a "
    "SPARQL endpoint, a table (gpt-3.5-turbo: 4.3 points above chain of thought on average over fact checking, "
    "questions of two hops, medicine, physics and biology)",
    avoid_when="samples agree on the wrong answer, since only inconsistent ones are corrected; or what is found is not "
    "about the question, since editing by it corrupts true reasons (arXiv 2305.13269)",
    aliases=("cok",),
)
class ChainOfKnowledge(Strategy):
    """Sample reasons with an answer; if the answers are inconsistent, correct the reasons one by one, and answer again.

    If the most frequent answer has less than `threshold` of the parsed samples, the first sample that
    gives it is corrected. For each of its reasons in turn, the model writes a query for the sources of
    the chosen domains: one for all texts, one for each other language and schema. What is found
    corrects the reason, or leaves it unchanged. The next reason is written anew from the corrected
    ones. The last call answers from all of them.

    A reason stays if nothing is found. A query that its source refuses is written once more with the
    error; SQL and SPARQL are checked before they run. The vote decides if the last call states no
    answer, and, with a note, if there is no source. Domains are chosen among several after the vote,
    where the paper's code chooses for every question; without a name among them, it is the first.
    The paper trains a model to write queries, and shows three demonstrations with two reasons each;
    here the model itself writes queries, and reasons are instructed.

    Args:
        sources: the sources of each domain, such as {"history": ("wikipedia", "wikidata"), "law":
            "docs/"}: texts as in `Index`, "wikidata", "sparql:https://…", "corpus" and "table" for the
            problem's own, tables, retrievers, or each `KnowledgeSource`. None takes the problem's own.
        threshold: the share of the parsed samples from which the most frequent answer is consistent.
        max_rationales: maximum number of reasons.
        max_tokens: maximum tokens of a sample.

    Source:
        Li et al. (2023), "Chain-of-Knowledge: Grounding Large Language Models via Dynamic Knowledge
        Adapting over Heterogeneous Sources", arXiv 2305.13269.
    """

    sources: Sources | None = None
    samples: int = 5
    threshold: float = 0.5
    max_rationales: int = 3
    temperature: float = 0.7
    max_tokens: int = 256
    reason: Prompt = REASON
    choose: Prompt = CHOOSE
    ask_text: Prompt = ASK_TEXT
    ask_sparql: Prompt = ASK_SPARQL
    ask_sql: Prompt = ASK_SQL
    repair: Prompt = REPAIR
    edit: Prompt = EDIT
    go_on: Prompt = GO_ON
    consolidate: Prompt = CONSOLIDATE

    prompt_includes_samples: ClassVar[bool] = True

    @property
    def free_text_prompts(self) -> frozenset[str]:
        return frozenset(["reason"])

    def __post_init__(self) -> None:
        self.check_parameters(samples=1, threshold=(0, 1), max_rationales=1, temperature=0, max_tokens=1)
        check_sources(self.sources)

    def calls_range(self) -> tuple[int, int]:
        return self.samples, self.samples + self._most(sum(most_queries(self.sources)))

    def rounds_range(self) -> tuple[int, int]:
        return 1, 1 + self._most(max(most_queries(self.sources)))

    def _most(self, queries: int) -> int:
        """Return the most calls after the samples, given those for the queries of one reason."""
        return (1 if len(self.sources or ()) > 1 else 0) + self.max_rationales * (queries + 2)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        sources = open_sources(self.sources, problem)
        base = ChainOfThought(stages=1, one_stage=self.reason)
        limited = session.with_sampling({"max_tokens": self.max_tokens})
        draws = await draw_samples(base, problem, limited, self.samples, temperature=self.temperature)
        winner, enough = majority_answer(draws, problem, self.samples), len(draws) == self.samples
        votes = winner.votes
        if isinstance(winner, Failed) or votes is None or votes.share >= self.threshold or not enough or not sources:
            if not sources:
                session.note("there is no source: the answer is that of the vote")
            return winner
        session.keep_partial(winner)
        # The vote's indexes are those of all samples, also of those without an answer.
        sample = draws[votes.candidates[0].draws[0]].text if votes.candidates else first_text(draws)
        reasons = parse_rationales(sample)[: self.max_rationales]
        chosen = await choose_domains(list(sources), self.choose, problem, session)
        prompts: dict[QueryLanguage, Prompt] = {"text": self.ask_text, "SPARQL": self.ask_sparql, "SQL": self.ask_sql}
        editor = ReasonEditor([one for name in chosen for one in sources[name]], prompts, self.repair, self.edit)
        corrected: list[str] = []
        for number, reason in enumerate(reasons, 1):
            with session.stage(f"reason {number}"):
                if corrected:
                    turns = self.go_on.render(problem, rationales=format_rationales(corrected))
                    reply = await ask_or_skip(session, turns, "the sample's own reason is taken", temperature=0)
                    reason = new_rationale(reply.text, corrected) or reason
                corrected.append(await editor.correct(reason, problem, session))
        steps = {"vote": winner.value, "domains": chosen, "reasons": reasons, "corrected": corrected}
        session.keep_partial(replace(winner, steps=steps))
        if corrected:
            with session.stage("answer"):
                turns = self.consolidate.render(problem, rationales=format_rationales(corrected))
                last = await ask_or_skip(session, turns, "the answer is that of the vote", temperature=0)
            answer = last if isinstance(last, Failed) else problem.parse(last)
            if isinstance(answer, Answered):
                return replace(answer, steps=steps)
        session.note("the sample has no reasons, or no answer follows: the answer is that of the vote")
        return replace(winner, steps=steps)
