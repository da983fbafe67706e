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
from reasoning.strategies.decomposition.events import (
    Event,
    documents_of,
    group_by_words,
    parse_events,
    parse_groups,
    sources_of,
)
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


@technique(
    title="Chain of event",
    authors="Bao et al.",
    year=2024,
    doi="10.1108/ijwis-12-2023-0249",
    calls="d + g + s",
    waves="1 + g + s",
    counts="d: documents; g: 1 where there are two events or more to compare; s: 1 where there is an event to tell; "
    "none of them counts calls that fail",
    ranges={"d": (1, "max_documents"), "g": (0, 1), "s": (0, 1)},
    serves=(Text,),
    needs=("documents",),
    use_when="several documents tell of the same events, and what most of them report is what matters (the paper: more "
    "abstract, concise and accurate than other prompts on two sets, with ChatGLM2-6B)",
    avoid_when="there is one document, or what only one of them says is the news: support by several documents is what "
    "an event is kept for (doi 10.1108/ijwis-12-2023-0249)",
    aliases=("coe",),
)
class ChainOfEvent(Strategy):
    """Extract events from each document, say each in general words, keep those that several documents share, summarise.

    The paper walks these steps in one prompt; here each document is read by its own call, side by side, one call says
    which events are the same, and support is counted in code: documents, not mentions. Of each event the document is
    kept (`Answer.steps["events"]`). Where no event has `support` documents (1 for two documents or fewer), the first
    event of each is taken. The order of time is left to the model that summarises: events stand in the order in which
    the documents first tell them, and no date is read. The documents are the problem's `inputs`, or parts of its
    context between lines of `---`; the whole reply behind "Summary:" is the answer, whatever the kind says of length.

    Where a call fails, what there is is kept, and the trace says so: the document is left out; events are the same that
    are said in the same general words; the kept events, one a line, stand for their summary. The paper's few-shot form
    is not offered.

    Parameters:
        support: documents that must tell of an event.
        events: of a document, and of the summary, at most.
        words: of the summary.
        max_documents: more are refused.
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

    async def solve(self, problem: Problem, session: Session) -> Answer:
        texts = documents_of(problem)
        if not 1 <= len(texts) <= self.max_documents:
            wanted = "give inputs={name: text}, or a context with lines of --- between the documents"
            raise UsageError(f"chain_of_event takes 1 to {self.max_documents} documents, not {len(texts)}: {wanted}")
        prompts = [self.extract.fill(document=text, events=self.events) for text in texts.values()]
        lanes = session.fork("document", prompts)
        replies = await gather(
            [ask_or_skip(lane, turns, "the document is left out") for lane, turns in zip(lanes, prompts, strict=True)]
        )
        read = {name: reply for name, reply in zip(texts, replies, strict=True) if isinstance(reply, Completion)}
        if not read:
            return next(reply for reply in replies if isinstance(reply, Failed))
        found = [parse_events(_lines(reply), name, self.events) for name, reply in read.items()]
        if silent := [name for name, events in zip(read, found, strict=True) if not events]:
            session.note(f"no event in: {', '.join(silent)}")
        told = [event for events in found for event in events]
        if not told:
            return Unparsed("no event was found in any document", text=[*read.values()][-1].text)
        session.keep_partial(_partial([[event] for event in told]))
        kept = self._kept(await self._groups(told, session), found, session)
        session.keep_partial(_partial(kept))
        lines = (f"- [{', '.join(sources_of(group))}] {' / '.join(one.told for one in group)}" for group in kept)
        with session.stage("summarise"):
            asks = {"question": problem.question, "listing": "\n".join(lines), "words": self.words}
            turns = self.summarise.render(problem, **asks)
            reply = await ask_or_skip(session, turns, "the events stand for their summary")
        said = _partial(kept).text if isinstance(reply, Failed) else reply
        label = re.search(r"Summary\W{0,3}:[*_ \t]{0,3}", reply.text)
        answer = replace(problem, kind=Text(whole=True)).parse(said, region=Region(label[0] if label else ""))
        return replace(answer, steps=_partial(kept).steps)

    async def _groups(self, told: Sequence[Event], session: Session) -> list[list[Event]]:
        if len(told) < 2:
            return [list(told)]
        turns = self.group.fill(listing=format_numbered(event.general for event in told))
        with session.stage("group"):
            reply = await ask_or_skip(session, turns, "events are the same that are said in the same general words")
        return group_by_words(told) if isinstance(reply, Failed) else parse_groups(reply.text, told)

    def _kept(self, groups: list[list[Event]], found: Sequence[list[Event]], session: Session) -> list[list[Event]]:
        least = self.support if len(found) > 2 else 1
        shared = [group for group in groups if len(sources_of(group)) >= least]
        if not shared:
            session.note(f"no event is in {least} documents: the first event of each is taken")
            return [[events[0]] for events in found if events][: self.events]
        return sorted(sorted(shared, key=lambda group: -len(sources_of(group)))[: self.events], key=groups.index)


def _lines(reply: Completion) -> str:
    """The whole lines of a reply: the last one of a reply that was cut off is none."""
    return reply.text.rpartition("\n")[0] if reply.truncated else reply.text


def _partial(groups: Sequence[Sequence[Event]]) -> Unparsed:
    """Events that are not summarised yet, each with the documents that tell of it."""
    told = tuple({"event": one[0].general, "told": [(each.source, each.told) for each in one]} for one in groups)
    text = "\n".join(one[0].told for one in groups)
    return Unparsed("the events are not summarised", text=text, steps={"events": told})
