"""Breadth-first, beam and depth-first search over any `SearchTask` (Yao et al. 2023)."""

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
from reasoning.strategies.search.search_task import S, SearchTask
from reasoning.strategies.search.verdicts import parse_choice

T = TypeVar("T")


@dataclass(frozen=True)
class Node(Generic[S]):
    """A state in the tree.

    Attributes:
        state: the task's state.
        depth: number of thoughts that led to it.
        value: how promising it was judged.
        before: sum of the values on the path to it.
        ended: whether it is on the last level.
    """

    state: S
    depth: int = 0
    value: float = 0.0
    before: float = 0.0
    ended: bool = False

    @property
    def mean(self) -> float:
        """The mean value of the states on the path, including this one."""
        return (self.before + self.value) / max(1, self.depth)


def best(nodes: Sequence[T], scores: Sequence[float], keep: int) -> list[T]:
    """Return the `keep` nodes with the highest scores, highest first; ties keep their order."""
    order = sorted(range(len(nodes)), key=lambda index: -scores[index])
    return [nodes[index] for index in order[:keep]]


@dataclass
class TreeSearch(Generic[S]):
    """One search for one problem.

    Attributes:
        task: the task.
        problem: the problem.
        session: the session to ask with.
        draws: number of replies that propose each state's next thoughts.
        sample: whether each reply is one thought instead of a list.
        children: maximum number of next states of a state.
        judgements: number of draws of each judging prompt.
        vote: whether one prompt compares the states of a level, instead of a prompt for each.
        temperature: temperature of all draws.
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
    _failure: CallFailed | None = None
    _judged: dict[tuple[Message, ...], list[str]] = field(default_factory=dict)
    """Replies by prompt: a state is judged as the prompt shows it, whatever path led to it."""

    async def breadth_first(self, breadth: int, depth: int, *, path_mean: bool = False) -> list[Node[S]]:
        """Search level by level and return the last states that were kept, best first.

        A finished state keeps its place as long as it is among the best. If no new state is found,
        or all calls of a level after the first fail, the states kept so far remain.

        Args:
            breadth: number of states to keep at each level.
            depth: number of levels.
            path_mean: whether to rank a state by the mean value along its path (beam search)
                instead of its own value.
        """
        frontier = [self._root()]
        for level in range(1, depth + 1):
            finished = [node for node in frontier if self._is_finished(node)]
            if len(finished) == len(frontier):
                break
            open_nodes = [node for node in frontier if not self._is_finished(node)]
            with self.session.stage(f"level {level}: thoughts"):
                children = await self._or_nothing(self.expand(open_nodes, last=level == depth), frontier[0])
            if not children:
                break
            with self.session.stage(f"level {level}: values"):
                pool = await self._or_nothing(self.evaluate([*finished, *children]), frontier[0])
            if not pool:
                break
            frontier = best(pool, [node.mean if path_mean else node.value for node in pool], breadth)
            self.session.note("kept:\n" + "\n".join(map(self._show, frontier)))
            self.session.keep_partial(self.answer(frontier))
        return frontier

    async def depth_first(self, depth: int, *, limit: int, threshold: float) -> list[Node[S]]:
        """Search depth-first, backtracking from states whose value is at most `threshold`.

        The search ends at a finished state or after `limit` states. A branch whose calls fail is
        abandoned.

        Args:
            depth: maximum depth.
            limit: maximum number of states to visit.
            threshold: states up to this value are pruned.

        Returns:
            The states that were not pruned, or the pruned ones if no other was reached: finished
            states first, then the deepest, then the most promising.
        """
        stack, reached, pruned, visited = [self._root()], [], [], 0
        while stack:
            node = stack.pop()
            if node.depth:
                if visited == limit:
                    break
                visited += 1
                with self.session.stage(f"state {visited}, depth {node.depth}"):
                    judged = await self._or_nothing(self.evaluate([node]), node)
                if not judged or judged[0].value <= threshold:
                    self.session.note("pruned:\n" + "\n".join(map(self._show, judged)))
                    pruned += judged
                    continue
                [node] = judged
            reached.append(node)
            if node.depth:
                self.session.keep_partial(self.answer(self._ranked(reached)))
            if self._is_finished(node):
                break
            if node.depth < depth and visited < limit:
                with self.session.stage(f"thoughts at depth {node.depth}"):
                    grown = self.expand([node], last=node.depth + 1 == depth)
                    stack += reversed(await self._or_nothing(grown, node))
        return self._ranked(reached if len(reached) > 1 else pruned or reached)

    def answer(self, kept: Sequence[Node[S]]) -> Answer:
        """Return the answer that the task chooses from states, best first; its steps have the values of all of them.

        If there is no answer and calls have failed, the answer is `Failed`.
        """
        candidates = [(self._answer_of(node), node.value) for node in kept]
        values = tuple(answer.value for answer, _ in candidates if isinstance(answer, Answered))
        steps = {"first_ranked": candidates[0][0].value, "kept": values}
        answer = self.task.choose(self.problem, candidates)
        if self._failure is not None and not isinstance(answer, Answered):
            return Failed.of(self._failure, text=answer.text, steps=steps)
        return replace(answer, steps=steps)

    def summary(self, answer: Answer) -> str:
        """Return one line for the trace: the answer of the first-ranked state, and those of all kept states."""
        values = [shorten(self.problem.kind.show(value), 80, placeholder="…") for value in answer.steps["kept"]]
        first = "–" if answer.steps["first_ranked"] is None else values[0]
        return f"first-ranked: {first}; any of the kept: {' | '.join(values) or '–'}"

    async def expand(self, nodes: Sequence[Node[S]], *, last: bool) -> list[Node[S]]:
        """Return the next states of each node, asked for concurrently; states seen before are dropped."""
        ask = self.task.sample if self.sample else self.task.propose
        # The flag says whether the prompt asks for the end.
        requests: list[tuple[Node[S], Conversation, bool]] = []
        for node in nodes:
            end = self.task.conclude(self.problem, node.state) if last else None
            if prompt := end or ask(self.problem, node.state):
                requests.append((node, prompt, end is not None))
        children: list[Node[S]] = []
        replies_by_request = await self._draw([prompt for _, prompt, _ in requests], self.draws, "state")
        for (node, _, concludes), replies in zip(requests, replies_by_request, strict=True):
            states: Sequence[S | None]
            if concludes or self.sample:
                complete = [reply for reply in replies if not concludes or self._is_complete(reply)]
                states = [
                    self.task.parse_sample(self.problem, node.state, drop_truncated_tail(reply)) for reply in complete
                ]
            else:
                states = self.task.parse_proposals(self.problem, node.state, list(map(drop_truncated_tail, replies)))
            new = [
                candidate
                for candidate in dict.fromkeys(states)
                if candidate is not None and candidate not in self._seen
            ][: self.children]
            self._seen.update(new)
            children += [Node(state, node.depth + 1, before=node.before + node.value, ended=last) for state in new]
        return children

    async def evaluate(self, nodes: Sequence[Node[S]]) -> list[Node[S]]:
        """Return the nodes with their values: judged separately, each prompt once per search, or by votes."""
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
        new = {
            prompt.messages: prompt
            for of_state in prompts
            for prompt in of_state
            if prompt.messages not in self._judged
        }
        if new:
            replies_by_prompt = await self._draw(list(new.values()), self.judgements, "state")
            self._judged |= {
                key: list(map(drop_truncated_tail, replies))
                for key, replies in zip(new, replies_by_prompt, strict=True)
            }
        replies = [[reply for prompt in of_state for reply in self._judged[prompt.messages]] for of_state in prompts]
        return [replace(node, value=self.task.value(texts)) for node, texts in zip(nodes, replies, strict=True)]

    async def _or_nothing(self, work: Awaitable[list[Node[S]]], node: Node[S]) -> list[Node[S]]:
        """Await work on a node; return nothing if all calls fail, and raise at the root."""
        try:
            return await work
        except CallFailed as error:
            if error.ends_run or node.depth == 0:
                raise
            self._failure = error
            self.session.note(f"all calls failed ({error}): the states so far are kept")
            return []

    async def _draw(self, prompts: Sequence[Conversation], n: int, name: str) -> list[list[Completion]]:
        """Return the replies to each prompt, asked concurrently; raise the first error only if every call fails."""
        if not prompts:
            return []
        errors: list[CallFailed] = []

        async def draw(branch: Session, prompt: Conversation) -> list[Completion]:
            try:
                await branch.sample(prompt, n)
            except CallFailed as error:
                if error.ends_run:
                    raise
                branch.note(f"failed: {error}")
                errors.append(error)
            return [reply for call in branch.trace.calls() for reply in call.completions]

        branches = self.session.branches(len(prompts), name, temperature=self.temperature)
        replies = await gather([draw(branch, prompt) for branch, prompt in zip(branches, prompts, strict=True)])
        if errors and not any(replies):
            raise errors[0]
        return replies

    def _answer_of(self, node: Node[S]) -> Answered | Unparsed:
        """Return the answer in a state; if the task had yet to conclude it, only a stated answer counts."""
        answer = self.task.answer_of(self.problem, node.state)
        if isinstance(answer, Unparsed) or answer.is_stated or node.ended:
            return answer
        open_end = self.task.conclude(self.problem, node.state) is not None
        return Unparsed("the solution is not finished", text=answer.text) if open_end else answer

    def _is_complete(self, reply: Completion) -> bool:
        """Return whether a conclusion was not truncated, or stated the answer before the cut."""
        return not reply.truncated or isinstance(self.problem.parse(reply), Answered)

    def _root(self) -> Node[S]:
        return Node(self.task.start(self.problem))

    def _ranked(self, nodes: Sequence[Node[S]]) -> list[Node[S]]:
        return sorted(nodes, key=lambda node: (not self._is_finished(node), -node.depth, -node.value))

    def _show(self, node: Node[S]) -> str:
        return f"{node.value:g}\t{self.task.show(self.problem, node.state)}"

    def _is_finished(self, node: Node[S]) -> bool:
        return self.task.is_finished(self.problem, node.state)
