"""Implicit RAG: quote the relevant sections, then answer from them (Vatsal & Singh 2024, arXiv 2405.18682)."""

from __future__ import annotations

from dataclasses import replace

from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.knowledge.copied_text import find_in_context
from reasoning.strategies.knowledge.quotations import parse_answer_part, parse_sections
from reasoning.strategies.reply_parsing import ask_or_skip, continue_with
from reasoning.strategy import Strategy, technique

QUOTE = Prompt(
    objective="Find the sections of the text that matter for the question, then answer the question from them.",
    instructions="Copy at most {sections} sections, each at most {words} words long, letter by letter from the text. "
    "They come first; the answer comes after them and uses nothing else.",
    output_format="Section 1: …\nSection 2: …\nAnswer: …",
    input="{problem}",
    recap="For the line Answer: {direct_instruction}\n\nBefore that line come the sections. So begin with Section 1: "
    "and what you copy from the text, and end with one line that begins with Answer:",
)
AGAIN = Prompt(
    input="None of these sections stands in the text in at most {words} words. Copy them letter by letter, then "
    "answer, in the same form."
)


@technique(
    name="implicit_rag",
    title="Implicit retrieval-augmented generation",
    authors="Vatsal & Singh",
    year=2024,
    arxiv="2405.18682",
    calls="1 + r",
    rounds="1 + r",
    counts="r: 1 if the context has none of the sections and the reply is asked for again, else 0",
    requires=("context",),
    use_when="the context is long and the evidence is in a few places: the best or second best of the prompts that "
    "the paper compares on four biomedical reading comprehension sets, without an index",
    avoid_when="the evidence is spread over the whole text, or the context is so short that quoting copies it; the "
    "results are for GPT on medical texts (arXiv 2405.18682), and models paraphrase instead of quoting",
    aliases=("irag",),
    version=2,
)
class ImplicitRAG(Strategy):
    """Quote the relevant sections of the context and answer from them, in one reply.

    A quotation counts if the context (or the question, without a context) contains it up to spaces
    and case, or if at least 0.8 of its characters stand there in the same order, with the same
    numbers and negations (models paraphrase and abbreviate; the share is not from the paper). Other
    quotations, and those that are too long, are dropped with a note in the trace.
    `Answer.steps["sections"]` has the quotations that count, in the words of the context, and their
    share is the confidence. If none counts, the reply is asked for once more, which the paper does
    not do. The second answer is taken, or the first if there is no second one. Without sections the
    confidence is 0, also for a reply that is a bare answer. The paper tunes both numbers for each
    data set and gives no default; the defaults here are ours. Labelled lines replace its JSON
    fields, since quotations break JSON.

    Args:
        sections: maximum number of quotations.
        words: maximum words of each quotation, separated by spaces.

    Source:
        Vatsal & Singh (2024), "Can GPT Redefine Medical Understanding? Evaluating GPT on Biomedical
        Machine Reading Comprehension", arXiv 2405.18682.
    """

    sections: int = 3
    words: int = 100
    quote: Prompt = QUOTE
    again: Prompt = AGAIN

    @property
    def free_text_prompts(self) -> frozenset[str]:
        return frozenset(["quote"])

    def __post_init__(self) -> None:
        self.check_parameters(sections=1, words=1)

    def calls_range(self) -> tuple[int, int]:
        return 1, 2

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        turns = self.quote.render(problem, sections=self.sections, words=self.words)
        with session.stage("quote and answer"):
            reply = await session.ask(turns)
        answer = self._parse(problem, reply, session)
        if not answer.steps["sections"]:
            session.keep_partial(answer)
            with session.stage("quote again"):
                turns = continue_with(turns, reply.text, self.again, words=self.words)
                again = await ask_or_skip(session, turns, "the first answer is used")
            if not isinstance(again, Failed):
                second = self._parse(problem, again, session)
                labelled = parse_answer_part(again.text) is not None or parse_answer_part(reply.text) is None
                if not isinstance(answer, Answered) or (isinstance(second, Answered) and labelled):
                    return second
        return answer

    def _parse(self, problem: Problem, reply: Completion, session: Session) -> Answer:
        quoted, sections = self._check_sections(problem, reply.text, session)
        steps = {"sections": tuple(sections)}
        answer_part = parse_answer_part(reply.text)
        if answer_part is not None or not quoted:
            answer = problem.parse(reply if answer_part is None else replace(reply, text=answer_part), after="Answer:")
        elif not (isinstance(answer := problem.parse(reply), Answered) and answer.is_stated):
            return Unparsed("the reply has no part Answer:", text=reply.text, steps=steps)
        return replace(answer, text=reply.text, steps=steps, confidence=len(sections) / quoted if quoted else 0.0)

    def _check_sections(self, problem: Problem, text: str, session: Session) -> tuple[int, list[str]]:
        """Return the number of quoted sections, and those that the context contains and that are not too long."""
        sections = parse_sections(text)[: self.sections]
        context = problem.context or problem.question
        found_sections = []
        for section in sections:
            if (words := len(section.split())) > self.words:
                session.note(f"dropped, since it has {words} words (maximum {self.words}): {section[:200]}")
            elif (copied := find_in_context(section, context)) is None:
                session.note(f"dropped, since the context does not contain it: {section[:200]}")
            else:
                found_sections.append(copied)
        return len(sections), found_sections
