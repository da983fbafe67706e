"""The rows of a reply, whatever form a model gave them."""

from __future__ import annotations

import pytest

from reasoning.chain.reply_rows import Cell, read_fields, read_rows, split_pairs


def texts(reply: str) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in read_rows(reply)]


SAME = [["Network", "Check the cell"], ["Network", "Call back"], ["Billing", "Refund"]]


@pytest.mark.parametrize(
    "reply",
    [
        "**Network**\n- Check the cell\n- Call back\n\n**Billing:**\n- Refund",
        "## Network\n1. Check the cell\n2. Call back\n\n## Billing\n1. Refund",
        "### 1. Network\n(1) Check the cell\n(2) Call back\n### 2. Billing\n(1) Refund",
        "- Network\n  - Check the cell\n  - Call back\n- **Billing**:\n  * Refund",
        "1. **Network**\n   a) Check the cell\n   b) Call back\n2. **Billing**\n   a) Refund",
        "Network:\n① Check the cell\n② Call back\nBilling:\n① Refund",
        '{"Network": ["Check the cell", "Call back"], "Billing": "Refund"}',
        '```json\n{"Network": ["Check the cell", "Call back"],\n"Billing": ["Refund"],}\n```\nI hope this helps!',
        "| Category | Action |\n|---|---|\n| Network | Check the cell |\n| Network | Call back |\n"
        "| Billing | **Refund** |",
        "Category | Action\n--- | ---\nNetwork | Check the cell\nNetwork | Call back\nBilling | Refund\n",
        "Sure! Here is the list:\n\n**Network**\n\n- [ ] Check the cell\n- [x] Call back\n\n"
        "**Billing**\n\n- Refund\n\n---\n",
    ],
)
def test_a_list_is_the_same_in_every_form(reply: str) -> None:
    assert texts(reply) == SAME


def test_a_remark_below_a_list_does_not_belong_to_its_last_heading() -> None:
    *_, last = read_rows("**Billing**\n- Refund\n\nLet me know if you need more!")
    assert (last.listed, [cell.text for cell in last.cells]) == (False, ["Let me know if you need more!"])
    assert texts("**Billing**\nRefund the film.") == [["Billing", "Refund the film."]]


def test_the_header_of_a_table_and_the_keys_of_records_are_labels() -> None:
    table = "| # | Issue | Category |\n|:-:|---|---|\n| 1 | slow \\| dear<br>late | network |"
    cells = (Cell("1", ""), Cell("slow | dear", "issue"), Cell("late", "issue"), Cell("network", "category"))
    assert read_rows(table)[0].cells == cells
    record = '[{"issue": "slow", "next_step": "a"}, {"issue": "dear", "next_step": "b"}]'
    assert read_rows(record)[1].cells == (Cell("dear", "issue"), Cell("b", "next step"))


@pytest.mark.parametrize(
    ("reply", "fields"),
    [
        ("**Verdict:** supported\n\n**Quote:** “It is so.”", {"verdict": "supported", "quote": "It is so."}),
        ("- **Verdict**: supported\n- **Quote**: It is so.", {"verdict": "supported", "quote": "It is so."}),
        ("### Verdict\nsupported\n\n### Quote\n> It is so.", {"verdict": "supported", "quote": "It is so."}),
        ("| Verdict | Quote |\n|---|---|\n| supported | It is so. |", {"verdict": "supported", "quote": "It is so."}),
        ("| Field | Value |\n|---|---|\n| Verdict | supported |", {"field": "Verdict", "value": "supported"}),
        ('{"verdict": "supported", "quote": "It is so."}', {"verdict": "supported", "quote": "It is so."}),
        ("Verdict： supported", {"verdict": "supported"}),  # a full-width colon
        ("It is what everybody here would say: supported", {}),
        ("supported", {}),
    ],
)
def test_named_values(reply: str, fields: dict[str, str]) -> None:
    assert read_fields(reply) == fields


def test_references_and_times_are_no_json_and_no_pairs() -> None:
    assert texts("- slow, see [1]\n- late [2]") == [["slow, see [1]"], ["late [2]"]]
    assert list(split_pairs("at 10:30 on https://a.example")) == []


@pytest.mark.parametrize(
    "piece",
    ["- ", "|", "| a ", "* **", "# ", "[", "{", "**", "a: ", "\\|", "<br>", "1. ", "   - a\n", "---\n", "a|b\n"],
)
def test_long_replies_take_linear_time(piece: str) -> None:
    """The work is bounded; a quadratic pattern would take minutes here."""
    reply = piece * (100_000 // len(piece))
    read_rows(reply)
    read_fields(reply)
    list(split_pairs(reply))
