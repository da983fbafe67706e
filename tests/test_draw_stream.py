"""Draw indices of streams, children and forks."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.draw_stream import EPOCH_STRIDE, MAX_BRANCHES, MAX_EPOCHS, DrawStream
from reasoning.errors import UsageError
from reasoning.journal import Journal
from reasoning.messages import Completion, Message, Request
from reasoning.strategies import Vanilla
from reasoning.testing import ScriptedLLM


def test_a_root_counts_up_by_request() -> None:
    lane = DrawStream()
    assert lane.next("a", 3) == [0, 1, 2]
    assert lane.next("b", 1) == [0]
    assert lane.next("a", 2) == [3, 4]


def test_lanes_side_by_side_take_the_next_indexes_in_order_of_place() -> None:
    five = [lane.next("a", 1)[0] for lane in DrawStream().spawn(5)]
    twenty = [lane.next("a", 1)[0] for lane in DrawStream().spawn(20)]
    assert five == [0, 1, 2, 3, 4]
    assert twenty[:5] == five  # 20 samples after 5 ask for 15


def test_the_parent_goes_on_behind_its_lanes() -> None:
    lane = DrawStream()
    lane.next("a", 2)
    assert [one.next("a", 1)[0] for one in lane.spawn(3)] == [2, 3, 4]
    assert lane.next("a", 1) == [5]
    assert lane.next("b", 1) == [0]  # no lane drew b


def test_what_a_lane_draws_does_not_depend_on_the_order_of_arrival() -> None:
    def draws(order: list[int]) -> dict[int, list[int]]:
        lanes = DrawStream().spawn(3)
        return {place: lanes[place].next("a", 1) + lanes[place].next("a", 2) for place in order}

    assert draws([0, 1, 2]) == draws([2, 0, 1])


def test_a_fork_draws_as_if_it_were_alone_and_its_origin_goes_on_behind_all_of_them() -> None:
    lane = DrawStream()
    lane.next("a", 1)
    first, second = lane.fork(), lane.fork()
    assert first.next("a", 3) == [1, 2, 3]
    assert second.next("b", 1) + second.next("a", 1) == [0, 1]
    assert [one.next("c", 1)[0] for one in second.fork().spawn(2)] == [0, 1]
    assert lane.fork().next("a", 1) == [4]
    assert lane.next("a", 1) == [5]
    assert lane.next("b", 1) == [1]
    assert lane.next("c", 1) == [2]


def test_the_fork_of_a_branch_stays_within_the_branch() -> None:
    lane = DrawStream()
    left, right = lane.spawn(2)
    assert left.fork().next("a", 2) == [0, MAX_BRANCHES]
    assert right.fork().next("a", 2) == [1, 1 + MAX_BRANCHES]
    assert left.next("a", 1) == [2 * MAX_BRANCHES]
    assert lane.next("a", 1) == [2]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 2))
def test_a_split_in_parts_is_the_split_at_once(parts: list[int], taken: int) -> None:
    """Also for what some lanes never ask: lane `k` takes index `k` of it, and not one that another part left free."""

    def draws(lane: DrawStream, place: int, inner_parts: list[int]) -> list[int]:
        own = lane.next("a", 2) + (lane.next("b", 1) if place % 3 == 2 else [])
        for k, part in enumerate(inner_parts):
            for inner in lane.spawn(part, start=sum(inner_parts[:k])):
                own += inner.next("b", 1) + inner.next("c", 2)
        return own

    whole, parent = DrawStream(), DrawStream()
    assert whole.next("a", taken) == parent.next("a", taken)
    at_once = [draws(lane, place, [3]) for place, lane in enumerate(whole.spawn(sum(parts)))]
    in_parts: list[list[int]] = []
    for part in parts:
        in_parts += [
            draws(lane, place, [1, 2])
            for place, lane in enumerate(parent.spawn(part, start=len(in_parts)), len(in_parts))
        ]
    assert in_parts == at_once
    assert parent.next("a", 1) == whole.next("a", 1) == [taken + sum(parts)]


def test_a_second_split_begins_behind_the_first() -> None:
    lane = DrawStream()
    assert [one.next("a", 1) for one in [*lane.spawn(2), *lane.spawn(2, start=2)]] == [[0], [1], [2], [3]]
    assert [one.next("a", 1) for one in lane.spawn(2)] == [[4], [5]]


def test_epochs_share_nothing() -> None:
    def all_draws(epoch: int) -> set[int]:
        root = DrawStream(epoch=epoch)
        taken = root.next("a", 5)
        for lane in root.spawn(4):
            taken += lane.next("a", 3)
            taken += [index for inner in lane.spawn(2) for index in inner.next("a", 2)]
        return set(taken)

    epochs = [all_draws(epoch) for epoch in range(4)]
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(epochs, 2))
    assert min(epochs[3]) == 3 * EPOCH_STRIDE


plans = st.recursive(st.integers(1, 4), lambda inner: st.lists(inner, min_size=1, max_size=4), max_leaves=12)


@given(plans)
def test_no_draw_is_taken_twice_in_one_solve(plan: object) -> None:
    taken: list[int] = []

    def walk(lane: DrawStream, part: object, depth: int) -> None:
        if isinstance(part, int) or depth == 3:
            taken.extend(lane.next("a", part if isinstance(part, int) else 1))
            return
        assert isinstance(part, list)
        taken.extend(lane.next("a", 1))
        for one, inner in zip(lane.spawn(len(part)), part, strict=True):
            walk(one, inner, depth + 1)
        taken.extend(lane.next("a", 1))

    walk(DrawStream(), plan, 0)
    assert len(taken) == len(set(taken))
    assert max(taken) < 2**63  # SQLite's integers


def test_too_many_is_said() -> None:
    with pytest.raises(UsageError, match="draws of one request"):
        DrawStream().next("a", MAX_BRANCHES + 1)
    with pytest.raises(UsageError, match="levels"):
        DrawStream().spawn(1)[0].spawn(1)[0].spawn(1)[0].spawn(1)


def test_the_last_draw_of_the_last_epoch_fits_into_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    request = Request("model", (Message("user", "?"),), {})
    stream = DrawStream(epoch=MAX_EPOCHS - 1)
    for _ in range(3):
        stream = stream.spawn(MAX_BRANCHES)[-1]
    *_, last = stream.next(request.key, MAX_BRANCHES)
    assert last == MAX_EPOCHS * EPOCH_STRIDE - 1
    journal.write(request, [Completion("yes", draw=last)])
    assert journal.read(request.key, [last])[last].text == "yes"
    journal.close()


@pytest.mark.parametrize("epoch", [-1, MAX_EPOCHS, 10**9])
def test_an_epoch_that_does_not_fit_is_refused_before_any_call(epoch: int) -> None:
    llm = ScriptedLLM(["The answer is 4."])
    with pytest.raises(UsageError, match=f"epoch must be from 0 to 2,047, got {epoch:,}"):
        Vanilla().run("What is 2 + 2?", llm, epoch=epoch)
    assert llm.requests == []
    assert Vanilla().run("What is 2 + 2?", llm, epoch=MAX_EPOCHS - 1).text == "The answer is 4."
