"""Chain of event: summarise several documents by the events that they share (Bao et al. 2024).

Int. J. of Web Information Systems 20(3), 229-247, doi 10.1108/ijwis-12-2023-0249.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from reasoning.answer import Answer, Failed, Unparsed
from reasoning.branches import gather
from reasoning.errors import UsageError
from reasoning.kinds import Region, Text
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.decomposition.event_groups import group_by_words, parse_groups
from reasoning.strategies.decomposition.events import Event, documents_of, parse_events, sources_of
from reasoning.strategies.reply_parsing import ask_or_skip, format_numbered
from reasoning.strategy import Strategy, technique

EXTRACT = Prompt(
    objective="List the events that a document reports, the most important ones first, at most {events}.",
    output_format="One event a line, in two parts: when, where, who and what | the same in general words, without "
    "names, numbers and dates. Write none where there is no event.",
    input="Document:\n{document}",
    recap="Events:",
)
GROUP = Prompt(
    objective="Several documents report events. Say which numbers mean one and the same event.",
    output_format="One line for each event that is reported more than once, with its numbers: 1, 4, 7",
    input="{listing}",
    recap="Same events:",
)
SUMMARISE = Prompt(
    objective="Write a summary from events that several documents report.",
    instructions="Tell the events in the order of time, in one paragraph of at most {words} words. Be concise: no "
    "event that is not listed, no detail that does not matter.",
    input="{question}\n\nEvents, with the documents that report them:\n{listing}",
    recap="Summary:",
)
_LABEL = re.compile(
    r"Summary\W{0,3}:[*_ \t]{0,3}|^(?:#{1,6}[*_ \t]{1,4}|\*\*)(?:the )?summary[*_ \t]{0,4}$",
    re.IGNORECASE | re.MULTILINE,
)
"""A label or heading before the summary."""


@technique(
    title="Chain of event",
    authors="Bao et al.",
    year=2024,
    doi="10.1108/ijwis-12-2023-0249",
    calls="d + g + s",
    rounds="1 + g + s",
    counts="d: documents; g: 1 if there are at least two events to compare; s: 1 if there is an event to summarise; "
    "failed calls do not count",
    kinds=(Text,),
    requires=("documents",),
    use_when="several documents report the same events, and the shared events are what matters (the paper: more "
    "abstract, concise and accurate than other prompts on two data sets, with ChatGLM2-6B)",
    avoid_when="there is one document, or what matters is what only one reports: events are kept for the support of "
    "several documents (doi 10.1108/ijwis-12-2023-0249)",
    aliases=("coe",),
)
class ChainOfEvent(Strategy):
    """Extract the events of each document, generalise them, keep those that several documents share, and summarise.

    The paper performs these steps in one prompt. Here one call reads each document, concurrently;
    one call says which events are the same; and code counts the documents that support an event,
    not its mentions. `Answer.steps["events"]` has each event with its documents. If no event has
    `support` documents (1 for two or fewer documents), the first event of each document is taken.
    The model that summarises puts events in order of time: they are listed in the order in which
    the documents first report them, and no date is parsed. The documents are the problem's
    `inputs`, or the parts of its context between lines of `---`. The whole reply after "Summary:"
    is the answer, whatever length the problem's kind asks for.

    If a call fails, the solve continues with a note in the trace: a document is left out; events
    count as the same if their general words are; the kept events, one per line, replace the
    summary. The paper's few-shot form is not offered.

    Args:
        support: number of documents that must report an event.
        events: maximum number of events per document and in the summary.
        words: maximum words of the summary.
        max_documents: maximum number of documents; more raise an error.

    Source:
        Bao et al. (2024), "Chain-of-event prompting for multi-document summarization by large
        language models", doi 10.1108/ijwis-12-2023-0249.
    """

    support: int = 2
    events: int = 8
    words: int = 100
    max_documents: int = 20
    extract: Prompt = EXTRACT
    group: Prompt = GROUP
    summarise: Prompt = SUMMARISE

    def __post_init__(self) -> None:
        self.check_parameters(support=1, events=1, words=1, max_documents=1)

    def calls_range(self) -> tuple[int, int]:
        return 1, self.max_documents + 2

    def rounds_range(self) -> tuple[int, int]:
        return 1, 3

    async def solve(self, problem: Problem, session: Session) -> Answer:
        texts = documents_of(problem)
        if not 1 <= len(texts) <= self.max_documents:
            wanted = "give inputs={name: text}, or a context with lines of --- between the documents"
            raise UsageError(f"chain_of_event needs 1 to {self.max_documents} documents, got {len(texts)}: {wanted}")
        prompts = [self.extract.fill(document=text, events=self.events) for text in texts.values()]
        branches = session.fork("document", prompts)
        replies = await gather(
            [
                ask_or_skip(branch, turns, "the document is left out")
                for branch, turns in zip(branches, prompts, strict=True)
            ]
        )
        by_name = {name: reply for name, reply in zip(texts, replies, strict=True) if isinstance(reply, Completion)}
        if not by_name:
            return next(reply for reply in replies if isinstance(reply, Failed))
        events_by_document = [
            parse_events(_complete_lines(reply), name, self.events) for name, reply in by_name.items()
        ]
        if without_events := [
            name for name, of_document in zip(by_name, events_by_document, strict=True) if not of_document
        ]:
            session.note(f"no event in: {', '.join(without_events)}")
        events = [event for of_document in events_by_document for event in of_document]
        if not events:
            return Unparsed("no event was found in any document", text=[*by_name.values()][-1].text)
        session.keep_partial(_partial([[event] for event in events]))
        groups = self._kept(await self._groups(events, session), events_by_document, session)
        session.keep_partial(_partial(groups))
        lines = (
            f"- [{', '.join(sources_of(group))}] {' / '.join(event.description for event in group)}" for group in groups
        )
        with session.stage("summarise"):
            values = {"question": problem.question, "listing": "\n".join(lines), "words": self.words}
            turns = self.summarise.render(problem, **values)
            reply = await ask_or_skip(session, turns, "the events replace their summary")
        summary = _partial(groups).text if isinstance(reply, Failed) else reply
        label = _LABEL.search(reply.text)
        answer = replace(problem, kind=Text(whole=True)).parse(summary, region=Region(label[0] if label else ""))
        return replace(answer, steps=_partial(groups).steps)

    async def _groups(self, events: Sequence[Event], session: Session) -> list[list[Event]]:
        if len(events) < 2:
            return [list(events)]
        turns = self.group.fill(listing=format_numbered(event.general for event in events))
        with session.stage("group"):
            reply = await ask_or_skip(session, turns, "events with the same general words are grouped")
        return group_by_words(events) if isinstance(reply, Failed) else parse_groups(reply.text, events)

    def _kept(
        self, groups: list[list[Event]], events_by_document: Sequence[list[Event]], session: Session
    ) -> list[list[Event]]:
        support = self.support if len(events_by_document) > 2 else 1
        shared = [group for group in groups if len(sources_of(group)) >= support]
        if not shared:
            session.note(f"no event is in {support} documents: the first event of each is used")
            return [[of_document[0]] for of_document in events_by_document if of_document][: self.events]
        return sorted(sorted(shared, key=lambda group: -len(sources_of(group)))[: self.events], key=groups.index)


def _complete_lines(reply: Completion) -> str:
    """Return a reply's complete lines: a truncated reply loses its last one."""
    return reply.text.rpartition("\n")[0] if reply.truncated else reply.text


def _partial(groups: Sequence[Sequence[Event]]) -> Unparsed:
    """Return the events without a summary, each with the documents that report it."""
    events = tuple(
        {"event": group[0].general, "reports": [(event.source, event.description) for event in group]}
        for group in groups
    )
    text = "\n".join(group[0].description for group in groups)
    return Unparsed("the events are not summarised", text=text, steps={"events": events})
