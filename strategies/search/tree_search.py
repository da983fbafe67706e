"""The search: breadth-first, beam and depth-first, over any `SearchTask` (Yao et al. 2023, §3, algorithms 1 and 2)."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from textwrap import shorten
from typing import Generic, TypeVar

from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.branches import gather
from reasoning.errors import CallFailed
from reasoning.messages import Completion, Conversation, Message
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategies.reply_parsing import drop_truncated_tail
from reasoning.strategies.search.search_task import S, SearchTask, parse_choice

T = TypeVar("T")


@dataclass(frozen=True)
class Node(Generic[S]):
    """A state in the tree.

    Attributes:
        state: what the task makes of the thoughts so far.
        depth: how many thoughts these are.
        value: how promising the state was judged.
        before: the sum of the values on the way to it.
        ended: whether it stands on the last level.
    """

    state: S
    depth: int = 0
    value: float = 0.0
    before: float = 0.0
    ended: bool = False

    @property
    def mean(self) -> float:
        """The mean value of the states on the way, this one included."""
        return (self.before + self.value) / max(1, self.depth)


def best(nodes: Sequence[T], scores: Sequence[float], keep: int) -> list[T]:
    """The `keep` nodes with the highest scores, the highest first; of equals, the one that came first."""
    order = sorted(range(len(nodes)), key=lambda at: -scores[at])
    return [nodes[at] for at in order[:keep]]


@dataclass
class TreeSearch(Generic[S]):
    """One search for one problem.

    Attributes:
        draws: replies in which each state's next thoughts are sought.
        sample: whether each of them is one thought, rather than a list.
        children: next states of a state, at most.
        judgements: draws for each prompt that judges.
        vote: whether the states of a level are compared in one prompt, rather than judged each.
        temperature: of all draws.
    """

    task: SearchTask[S]
    problem: Problem
    session: Session
    draws: int
    sample: bool
    children: int
    judgements: int
    vote: bool
    temperature: float
    _seen: set[S] = field(default_factory=set)
    _lost: CallFailed | None = None
    _judged: dict[tuple[Message, ...], list[str]] = field(default_factory=dict)
    """Replies by prompt: what is judged is the state as the prompt shows it, whatever the way that led there."""

    async def breadth_first(self, breadth: int, depth: int, *, path_mean: bool = False) -> list[Node[S]]:
        """Grow level by level from the `breadth` best states. Gives the last ones that were kept, the best first.

        A finished state keeps its place as long as it is among the best. Where nothing new grows, or all calls of a
        level behind the first fail, what was kept stays.

        Args:
            path_mean: whether the mean value along its way ranks a state (a beam), rather than its own value.
        """
        frontier = [self._root()]
        for level in range(1, depth + 1):
            done = [node for node in frontier if self._finished(node)]
            if len(done) == len(frontier):
                break
            open_nodes = [node for node in frontier if not self._finished(node)]
            with self.session.stage(f"level {level}: thoughts"):
                grown = await self._branch(self.expand(open_nodes, last=level == depth), frontier[0])
            if not grown:
                break
            with self.session.stage(f"level {level}: values"):
                pool = await self._branch(self.evaluate([*done, *grown]), frontier[0])
            if not pool:
                break
            frontier = best(pool, [node.mean if path_mean else node.value for node in pool], breadth)
            self.session.note("kept:\n" + "\n".join(map(self._shown, frontier)))
            self.session.keep_partial(self.answer(frontier))
        return frontier

    async def depth_first(self, depth: int, *, limit: int, threshold: float) -> list[Node[S]]:
        """Go down to the first thought, and back where a state's value is not above the threshold.

        Ends at a finished state, or after `limit` states. Gives the states that were not pruned, or those that were
        where nothing else was reached: finished ones first, then the deepest, then the most promising. A branch whose
        calls fail is left.
        """
        waiting, reached, pruned, visited = [self._root()], [], [], 0
        while waiting:
            node = waiting.pop()
            if node.depth:
                if visited == limit:
                    break
                visited += 1
                with self.session.stage(f"state {visited}, depth {node.depth}"):
                    weighed = await self._branch(self.evaluate([node]), node)
                if not weighed or weighed[0].value <= threshold:
                    self.session.note("pruned:\n" + "\n".join(map(self._shown, weighed)))
                    pruned += weighed
                    continue
                [node] = weighed
            reached.append(node)
            if node.depth:
                self.session.keep_partial(self.answer(self._ranked(reached)))
            if self._finished(node):
                break
            if node.depth < depth and visited < limit:
                with self.session.stage(f"thoughts at depth {node.depth}"):
                    grown = self.expand([node], last=node.depth + 1 == depth)
                    waiting += reversed(await self._branch(grown, node))
        return self._ranked(reached if len(reached) > 1 else pruned or reached)

    def answer(self, kept: Sequence[Node[S]]) -> Answer:
        """The answer that the task chooses from states, the best first. Its steps have the values in all of them.

        Where there is none and calls have failed, it has failed.
        """
        candidates = [(self._read(node), node.value) for node in kept]
        values = tuple(answer.value for answer, _ in candidates if isinstance(answer, Answered))
        steps = {"first_ranked": candidates[0][0].value, "kept": values}
        answer = self.task.choose(self.problem, candidates)
        if self._lost is not None and not isinstance(answer, Answered):
            return Failed(str(self._lost), text=answer.text, steps=steps)
        return replace(answer, steps=steps)

    def summary(self, answer: Answer) -> str:
        """What the first-ranked state says, and all that were kept, in a line for the trace."""
        shown = [shorten(self.problem.kind.show(value), 80, placeholder="…") for value in answer.steps["kept"]]
        first = "–" if answer.steps["first_ranked"] is None else shown[0]
        return f"first-ranked: {first}; any of the kept: {' | '.join(shown) or '–'}"

    async def expand(self, nodes: Sequence[Node[S]], *, last: bool) -> list[Node[S]]:
        """The next states of each node, all asked for at once. A state that was there already is dropped."""
        ask = self.task.sample if self.sample else self.task.propose
        asked: list[tuple[Node[S], Conversation, bool]] = []  # and whether it asks for the end
        for node in nodes:
            end = self.task.conclude(self.problem, node.state) if last else None
            if prompt := end or ask(self.problem, node.state):
                asked.append((node, prompt, end is not None))
        grown: list[Node[S]] = []
        replied = await self._draw([prompt for _, prompt, _ in asked], self.draws, "state")
        for (node, _, ends), replies in zip(asked, replied, strict=True):
            found: Sequence[S | None]
            if ends or self.sample:
                there = [reply for reply in replies if not ends or self._ended(reply)]
                found = [
                    self.task.parse_sample(self.problem, node.state, drop_truncated_tail(reply)) for reply in there
                ]
            else:
                found = self.task.parse_proposals(self.problem, node.state, list(map(drop_truncated_tail, replies)))
            new = [one for one in dict.fromkeys(found) if one is not None and one not in self._seen][: self.children]
            self._seen.update(new)
            grown += [Node(state, node.depth + 1, before=node.before + node.value, ended=last) for state in new]
        return grown

    async def evaluate(self, nodes: Sequence[Node[S]]) -> list[Node[S]]:
        """The nodes with their values: judged each, every prompt once in a search, or by the votes that each gets."""
        states = [node.state for node in nodes]
        if self.vote:
            votes = [0] * len(nodes)
            if len(nodes) > 1:
                [ballots] = await self._draw([self.task.vote(self.problem, states)], self.judgements, "ballot")
                for place in (parse_choice(drop_truncated_tail(ballot), len(nodes)) for ballot in ballots):
                    if place is not None:
                        votes[place] += 1
            return [replace(node, value=float(count)) for node, count in zip(nodes, votes, strict=True)]
        prompts = [self.task.judge(self.problem, state) for state in states]
        new = {one.messages: one for each in prompts for one in each if one.messages not in self._judged}
        if new:
            replied = await self._draw(list(new.values()), self.judgements, "state")
            self._judged |= {
                key: list(map(drop_truncated_tail, replies)) for key, replies in zip(new, replied, strict=True)
            }
        replies = [[reply for one in each for reply in self._judged[one.messages]] for each in prompts]
        return [replace(node, value=self.task.value(said)) for node, said in zip(nodes, replies, strict=True)]

    async def _branch(self, work: Awaitable[list[Node[S]]], node: Node[S]) -> list[Node[S]]:
        """What comes of going on from a node; nothing where all calls fail, which at the root is the end."""
        try:
            return await work
        except CallFailed as error:
            if error.ends_run or node.depth == 0:
                raise
            self._lost = error
            self.session.note(f"all calls failed ({error}): what was there before stays")
            return []

    async def _draw(self, prompts: Sequence[Conversation], n: int, name: str) -> list[list[Completion]]:
        """Replies to each prompt, side by side. A call that fails gives none; if all do, the first error is raised."""
        if not prompts:
            return []
        errors: list[CallFailed] = []

        async def draw(lane: Session, prompt: Conversation) -> list[Completion]:
            try:
                await lane.sample(prompt, n)
            except CallFailed as error:
                if error.ends_run:
                    raise
                lane.note(f"failed: {error}")
                errors.append(error)
            return [reply for call in lane.trace.calls() for reply in call.completions]

        lanes = self.session.branches(len(prompts), name, temperature=self.temperature)
        replies = await gather([draw(lane, prompt) for lane, prompt in zip(lanes, prompts, strict=True)])
        if errors and not any(replies):
            raise errors[0]
        return replies

    def _read(self, node: Node[S]) -> Answered | Unparsed:
        """The answer in a state. Of one that the task would still have concluded, only what is stated counts."""
        answer = self.task.answer_of(self.problem, node.state)
        if isinstance(answer, Unparsed) or answer.is_stated or node.ended:
            return answer
        open_end = self.task.conclude(self.problem, node.state) is not None
        return Unparsed("the solution was not brought to its end", text=answer.text) if open_end else answer

    def _ended(self, reply: Completion) -> bool:
        """Whether a conclusion was not cut off, or had stated the answer before the cut."""
        return not reply.truncated or isinstance(self.problem.parse(reply), Answered)

    def _root(self) -> Node[S]:
        return Node(self.task.start(self.problem))

    def _ranked(self, nodes: Sequence[Node[S]]) -> list[Node[S]]:
        return sorted(nodes, key=lambda node: (not self._finished(node), -node.depth, -node.value))

    def _shown(self, node: Node[S]) -> str:
        return f"{node.value:g}\t{self.task.show(self.problem, node.state)}"

    def _finished(self, node: Node[S]) -> bool:
        return self.task.is_finished(self.problem, node.state)
