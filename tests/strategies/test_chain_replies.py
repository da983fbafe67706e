"""The bundled chains read what chat models write: tables, headings with lists, JSON of another shape, lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reasoning import Chain, strategies
from reasoning.answer import Answer
from reasoning.registry import bundled_chains
from reasoning.strategies.domain.claims import checks as claims
from reasoning.strategies.domain.grounded_answer import checks as grounded
from reasoning.strategies.domain.telecom_feedback import checks
from reasoning.testing import ScriptedLLM

FEEDBACK = "My internet drops every evening and the bill rose without notice. The agent was kind though."
ISSUES = (
    "internet drops every evening (negative)",
    "bill rose without notice (negative)",
    "agent was kind (positive)",
)
CATEGORIES = dict(zip(ISSUES, ("network", "billing", "customer service"), strict=True))
ACTIONS = {"network": ["Check the cell", "Call back"], "billing": ["Refund"]}


def run(*replies: object) -> tuple[Answer, ScriptedLLM]:
    llm = ScriptedLLM([one if isinstance(one, str) else json.dumps(one) for one in replies])
    return strategies.get("telecom_feedback").run(FEEDBACK, llm), llm


@pytest.mark.parametrize(
    "reply",
    [
        "; ".join(ISSUES),
        f"Issues: {'; '.join(ISSUES)}",
        f"Sure! Here are the issues:\n\n{'; '.join(ISSUES)}\n\nLet me know if you need more!",
        f"```\n{'; '.join(ISSUES)}\n```",
        "internet drops every evening: negative; bill rose without notice: negative; agent was kind: positive",
        "internet drops every evening [Negative]; bill rose without notice – NEGATIVE; agent was kind → positive.",
        "- internet drops every evening (negative)\n- bill rose without notice (**negative**)\n"
        "- agent was kind (positive)",
        "1. **internet drops every evening** – negative\n2. **bill rose without notice** – *negative*\n"
        "3. **agent was kind** – positive",
        "1) **internet drops every evening** (Negative)\n2) bill rose without notice (Negative)\n"
        "3) agent was kind (Positive)\n\nOverall, the customer is unhappy.",
        "| # | Issue | Sentiment |\n|---|---|---|\n| 1 | internet drops every evening | Negative 😠 |\n"
        "| 2 | bill rose without notice | **Negative** |\n| 3 | agent was kind | Positive |",
        "### Negative issues\n* internet drops every evening\n* bill rose without notice\n\n"
        "### Positive\n* agent was kind",
        "**Negative:**\n1. internet drops every evening\n2. bill rose without notice\n\n"
        "**Positive:**\n1. agent was kind",
        "1. **internet drops every evening**\n   - Sentiment: negative\n2. **bill rose without notice**\n"
        "   - Sentiment: negative\n3. **agent was kind**\n   - Sentiment: positive",
        "Issue 1: internet drops every evening; Sentiment: negative\nIssue 2: bill rose without notice; Sentiment: "
        "negative\nIssue 3: agent was kind; Sentiment: positive",
        "- (negative) internet drops every evening\n- (negative) bill rose without notice\n- (positive) agent was kind",
        json.dumps(list(ISSUES)),
        f"```json\n{json.dumps({'issues': list(ISSUES)}, indent=2)}\n```",
        json.dumps([{"issue": one.partition(" (")[0], "sentiment": one[-9:-1]} for one in ISSUES]),
        "<think>(negative) or (positive)?</think>" + "; ".join(ISSUES),
    ],
)
def test_issues(reply: str) -> None:
    answer, llm = run(reply, CATEGORIES, ACTIONS)
    assert (answer.steps["issues"], llm.calls) == (ISSUES, 3)


@pytest.mark.parametrize("reply", ["none", "None.", "**None**", "No issues.", "There are no issues in the feedback."])
def test_no_issues(reply: str) -> None:
    answer, llm = run(reply)
    assert (answer.value, llm.calls) == ({}, 1)


def test_an_issue_is_not_split_inside_its_bracket_and_is_listed_once() -> None:
    reply = "4G drops (no signal; no data) (negative); late bill (negative); Late  bill (negative); 4g drops (positive)"
    assert checks.parse_issues(reply, {}) == (
        "4G drops (no signal; no data) (negative)",
        "late bill (negative)",
        "4g drops (positive)",
    )
    unmatched = "4G drops :( (negative); late bill (negative)"
    assert checks.parse_issues(unmatched, {}) == ("4G drops (negative)", "late bill (negative)")


@pytest.mark.parametrize(
    "reply",
    ["slow data; high bill", "the service was negative", "non-negative", "slow (very bad)", "OK", "I cannot help."],
)
def test_no_sentiment_is_read_where_none_is_stated(reply: str) -> None:
    assert not any(issue.endswith((")",)) and "tive)" in issue for issue in checks.parse_issues(reply, {}) or ())


INVERTED = {"network": [ISSUES[0]], "Billing": [ISSUES[1]], "Customer Service": [ISSUES[2]]}


@pytest.mark.parametrize(
    "reply",
    [
        {ISSUES[0]: "Network", ISSUES[1]: "BILLING", ISSUES[2]: "Customer Service"},
        {ISSUES[0]: "Network issues", ISSUES[1]: "billing (charges)", ISSUES[2]: "customer_service"},
        {ISSUES[0]: "network", ISSUES[1]: "billing", ISSUES[2]: "customer service", "my cat": "device"},
        {issue.partition(" (")[0].title(): category for issue, category in CATEGORIES.items()},
        INVERTED,
        {"categories": INVERTED},
        {"network": ISSUES[0], "billing": ISSUES[1], "customer service": ISSUES[2]},
        [{"issue": issue, "category": category} for issue, category in CATEGORIES.items()],
        {"issues": [{"issue": issue, "category": category} for issue, category in CATEGORIES.items()]},
        "\n".join(json.dumps({"issue": issue, "category": category}) for issue, category in CATEGORIES.items()),
        f"Here is the JSON:\n```json\n{json.dumps(CATEGORIES, indent=2)}\n```\nEach issue has one category.",
        "| Issue | Category |\n|:--|--:|\n"
        + "\n".join(f"| {issue} | **{category.title()}** |" for issue, category in CATEGORIES.items()),
        "| Category | Issues |\n|---|---|\n" + "\n".join(f"| {c} | {i} |" for i, c in CATEGORIES.items()),
        "\n".join(f"- **{issue}**: {category}" for issue, category in CATEGORIES.items()),
        "\n".join(f"{issue} → {category}" for issue, category in CATEGORIES.items()),
        "\n".join(f"{category.title()}: {issue}" for issue, category in CATEGORIES.items()),
        "\n\n".join(f"**{category.title()}**\n- {issue}" for issue, category in CATEGORIES.items()),
        "\n".join(f"{n}. {i}\n   - Category: {c}" for n, (i, c) in enumerate(CATEGORIES.items(), 1)),
    ],
)
def test_categories(reply: object) -> None:
    answer, llm = run("; ".join(ISSUES), reply, ACTIONS)
    assert (answer.steps["categories"], llm.calls) == (CATEGORIES, 3)
    assert "fallback" not in str(answer.trace.to_json() if answer.trace else "")


@pytest.mark.parametrize(
    "reply",
    [
        {**CATEGORIES, ISSUES[0]: "not network"},
        {**CATEGORIES, ISSUES[0]: "network or device"},
        {**CATEGORIES, ISSUES[0]: "weather"},
        {"network": [ISSUES[0], ISSUES[1]], "billing": [ISSUES[1]], "customer service": [ISSUES[2]]},
        "| Issue | Category |\n|---|---|\n| internet drops every evening (negative) | network |",
        "The internet is a network issue, and the bill is about billing.",
        "I'm sorry, but I can't help with that.",
    ],
)
def test_an_issue_with_two_categories_or_none_is_asked_for_again(reply: object) -> None:
    answer, llm = run("; ".join(ISSUES), reply, CATEGORIES, ACTIONS)
    assert (answer.steps["categories"], llm.calls) == (CATEGORIES, 4)


def test_a_category_in_another_case_is_not_other_even_in_the_fallback() -> None:
    broken = {ISSUES[0]: "Network", ISSUES[1]: "weather"}
    answer, _ = run("; ".join(ISSUES), broken, broken, {"network": ["a"]})
    assert answer.steps["categories"] == {ISSUES[0]: "network", ISSUES[1]: "other", ISSUES[2]: "other"}
    assert checks.fallback_categories({ISSUES[0]: "Network"}, {"issues": ISSUES[:1]}) == {ISSUES[0]: "network"}


@pytest.mark.parametrize(
    "reply",
    [
        ACTIONS,
        {"Network": ["Check the cell", "Call back", "check the cell"], "BILLING": "Refund"},
        {"recommendations": {"network": ACTIONS["network"], "billing": {"actions": ["Refund"], "priority": "high"}}},
        [{"category": name, "recommendations": actions, "priority": "high"} for name, actions in ACTIONS.items()],
        {"network": [{"action": one, "priority": "high"} for one in ACTIONS["network"]], "billing": ["Refund"]},
        {**ACTIONS, "device": ["Send a new phone"]},
        f"Sure!\n```json\n{json.dumps(ACTIONS, indent=2)}\n```\nI hope this helps.",
        "**Network**\n1. Check the cell\n2. Call back\n\n**Billing:**\n- Refund\n\nLet me know!",
        "### 1. Network\n- **Recommendation:** Check the cell\n- **Recommendation:** Call back\n"
        "### 2. Billing\n- **Recommendation:** Refund\n- **Priority:** High",
        "| Category | Issue | Recommendation | Priority |\n|---|---|---|---|\n"
        "| Network | internet drops | Check the cell<br>Call back | High |\n| Billing | bill rose | Refund | Low |",
        "- Network\n  - internet drops every evening\n    - Check the cell\n    - Call back\n- Billing\n  - Refund",
        "Network: Check the cell\nNetwork: Call back\nBilling: Refund\nCustomer service: None needed",
    ],
)
def test_recommendations(reply: object) -> None:
    answer, llm = run("; ".join(ISSUES), CATEGORIES, reply)
    value = {name: actions for name, actions in answer.value.items() if name != "customer service"}
    assert (value, llm.calls) == (ACTIONS, 3)


def test_each_complaint_needs_a_recommendation_and_praise_does_not() -> None:
    for short in ({"network": ["Check the cell"]}, {"billing": ["Refund"], "customer service": ["Thank her"]}):
        answer, llm = run("; ".join(ISSUES), CATEGORIES, short, ACTIONS)
        assert (answer.value, llm.calls) == (ACTIONS, 4)
        assert "Write actions for" in llm.requests[3].messages[-1].content
    answer, llm = run("; ".join(ISSUES), CATEGORIES, {"network": ["Check the cell"]}, "Sorry.")
    assert answer.state == "unparsed"
    praise = {ISSUES[2]: "customer service"}
    answer, llm = run(ISSUES[2], praise, {})
    assert (answer.value, llm.calls) == ({}, 3)
    answer, llm = run(ISSUES[2], praise, {"customer service": "Thank the agent"})
    assert answer.value == {"customer service": ["Thank the agent"]}


def test_half_of_the_recommendations_is_kept_after_the_repair_and_noted() -> None:
    half = {"network": ["Check the cell"]}
    answer, _ = run("; ".join(ISSUES), CATEGORIES, half, half)
    assert answer.value == half
    assert "fallback: " in str(answer.trace.to_json() if answer.trace else "")


@pytest.mark.parametrize(
    "piece", ["a (", "; ", "- x: ", "(negative", "| a ", "network: ", "a;", "**Network**\n", '["a",']
)
def test_long_replies_take_linear_time(piece: str) -> None:
    reply = piece * (100_000 // len(piece))
    checks.parse_issues(reply, {"feedback": FEEDBACK})
    checks.parse_categories(reply, {"issues": ISSUES})
    checks.parse_recommendations(reply, {"categories": CATEGORIES})
    claims.parse_claims(reply, {})
    claims.parse_verdict(reply, {})
    claims.parse_summary(reply, {})
    grounded.parse_terms(reply, {})
    grounded.parse_answer(reply, {"passages": PASSAGES})


CLAIMS = ["The pump moves 40 litres a minute.", "The pump was tested in Bern."]


@pytest.mark.parametrize(
    "reply",
    [
        json.dumps(CLAIMS),
        f"```json\n{json.dumps({'claims': CLAIMS})}\n```",
        json.dumps([{"claim": claim, "type": "fact"} for claim in CLAIMS]),
        "Here are the claims:\n\n1. **The pump moves 40 litres a minute.**\n2. The pump was tested in Bern.\n\nThanks!",
        "- Claim 1: The pump moves 40 litres a minute.\n- Claim 2: The pump was tested in Bern.",
        "| # | Claim |\n|---|---|\n" + "\n".join(f"| {n} | {claim} |" for n, claim in enumerate(CLAIMS, 1)),
    ],
)
def test_claims(reply: str) -> None:
    assert claims.parse_claims(reply, {}) == CLAIMS


@pytest.mark.parametrize(
    "reply", ["I cannot help with that.", "- I cannot find any claims", "OK", "[]", "The pump is new."]
)
def test_no_claims(reply: str) -> None:
    assert claims.parse_claims(reply, {}) is None


QUOTE = "It moves 35 litres."


@pytest.mark.parametrize(
    "reply",
    [
        {"verdict": "contradicted", "quote": QUOTE},
        {"Verdict": "Contradicted", "Quote": QUOTE},
        f'**Verdict:** Contradicted\n\n**Quote:** "{QUOTE}"',
        f"- **Verdict**: contradicted\n- **Quote**: „{QUOTE}“",
        f"### Verdict\nContradicted\n\n### Quote\n> {QUOTE}",
        f"| Verdict | Quote |\n|---|---|\n| Contradicted | {QUOTE} |",
    ],
)
def test_verdicts(reply: object) -> None:
    text = reply if isinstance(reply, str) else json.dumps(reply)
    assert claims.parse_verdict(text, {}) == {"verdict": "contradicted", "quote": QUOTE}


def test_a_verdict_without_a_quote() -> None:
    for quote in ("null", '"N/A"', '""'):
        reply = f'{{"verdict": "not_found", "quote": {quote}}}'
        assert claims.parse_verdict(reply, {}) == {"verdict": "not found", "quote": ""}


@pytest.mark.parametrize(
    "reply", ["supported", "Verdict: not supported", "Verdict: supported or contradicted", "It is not supported.", "OK"]
)
def test_no_verdict(reply: str) -> None:
    assert claims.parse_verdict(reply, {}) is None


def test_the_marks_of_a_summary() -> None:
    plain = "The pump was tested. It moves 40 litres [contradicted]."
    for reply in (
        plain,
        f"**Summary:**\n{plain}",
        f"Here is the summary:\n\n{plain}",
        "## Summary\nThe pump was tested. It moves 40 litres **(contradicted)**.",
    ):
        assert claims.parse_summary(reply, {}) == plain
    assert claims.parse_summary("Note: all is well.", {}) == "Note: all is well."


@pytest.mark.parametrize(
    "reply",
    [
        "drill; borrow; loan period",
        "Words: drill; borrow; loan period",
        "drill, borrow, loan period",
        '["drill", "borrow", "loan period"]',
        "- **drill**: the tool\n- borrow\n- “loan period”",
        "1. drill\n2. Borrow\n3. loan period\n4. Drill",
    ],
)
def test_terms(reply: str) -> None:
    terms = grounded.parse_terms(reply, {}) or ()
    assert [term.lower() for term in terms] == ["drill", "borrow", "loan period"]


PASSAGES = [
    {"passage": 1, "text": "Tools are lent for seven days. Drills go back after two days."},
    {"passage": 2, "text": "A lost card costs four euros."},
]
RIGHT = {"answer": "Two days.", "quotations": [{"passage": 1, "quote": "Drills go back after two days."}]}


@pytest.mark.parametrize(
    "reply",
    [
        RIGHT,
        {**RIGHT, "quotations": [{"passage": "1", "quote": "Drills go back after two days."}]},
        {**RIGHT, "quotations": [{"passage": "Passage 1", "text": "Drills go back after two days."}]},
        {**RIGHT, "quotations": ["Drills go back after two days."]},
        {**RIGHT, "quotations": {"1": "Drills go back after two days."}},
        '**Answer:** Two days.\n\n**Quotations:**\n- [1] "Drills go back after two days."',
        "Answer: Two days.\nQuotation (passage 1): “Drills go back after two days.”",
        "Answer: Two days.\n\n1. Passage 1: „Drills go back after two days.“",
        "### Answer\nTwo days.\n\n### Quotations\n| Passage | Quote |\n|---|---|\n"
        "| 1 | Drills go back after two days. |",
    ],
)
def test_grounded_answers(reply: object) -> None:
    text = reply if isinstance(reply, str) else json.dumps(reply)
    assert grounded.parse_answer(text, {"passages": PASSAGES}) == RIGHT


def test_a_quotation_of_another_passage_keeps_its_number_so_that_the_check_sees_it() -> None:
    wrong = grounded.parse_answer('Answer: Two days.\n[2] "Drills go back after two days."', {"passages": PASSAGES})
    assert wrong == {"answer": "Two days.", "quotations": [{"passage": 2, "quote": "Drills go back after two days."}]}
    assert grounded.check_answer(wrong, {"passages": PASSAGES}) is not None
    assert grounded.parse_answer("Two days, I think.", {"passages": PASSAGES}) is None


@pytest.mark.parametrize("name", ["telecom_feedback", "claims", "grounded_answer"])
def test_every_prompted_step_of_the_bundled_chains_has_a_parser(name: str) -> None:
    chain: Any = Chain.load(bundled_chains()[name])
    assert all(step.parse is not None for step in chain.steps if step.prompt is not None)
