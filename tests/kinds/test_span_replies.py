"""The forms in which chat models answer a task of extraction, with what is read of each, and near misses."""

from __future__ import annotations

import pytest

from reasoning import Problem
from reasoning.errors import UsageError
from reasoning.kinds import Span, Spans

TEXT = "Started warfarin for DVT.  The DVT was seen on duplex ultrasound; no chest pain & BP < 90 (ward 3)."
KIND = Spans(["problem", "treatment", "test"], TEXT)
WARFARIN, DVT, SECOND = Span("warfarin", "treatment", 8), Span("DVT", "problem", 21), Span("DVT", "problem", 31)
DUPLEX, PAIN = Span("duplex ultrasound", "test", 47), Span("chest pain", "problem", 69)


@pytest.mark.parametrize(
    ("reply", "spans"),
    [
        pytest.param(
            'Sure! Here is the annotated text:\n\n```html\nStarted <span class="treatment">warfarin</span> for DVT. '
            'The <span class="problem">DVT</span> was seen on duplex ultrasound; no chest pain &amp; BP &lt; 90 '
            "(ward 3).\n```\n\nLet me know if you need more!",
            (WARFARIN, SECOND),
            id="the paper's mark-up in a fence, the second of two equal texts",
        ),
        pytest.param(
            "I first mark <problem>DVT</problem>.\n\n**Answer:**\nStarted <Treatment>warfarin</Treatment> for DVT. The "
            "DVT was seen on <TEST>duplex ultrasound</TEST>; no chest pain & BP < 90 (ward 3).",
            (WARFARIN, DUPLEX),
            id="the copy counts, not the reasoning before it",
        ),
        pytest.param(
            "Started <treatment>warfarin</treatment> for acute DVT. The <problem>DVT</problem> was visible.",
            (WARFARIN, SECOND),
            id="a copy that was rewritten: equal texts are distinguished by their order",
        ),
        pytest.param(
            "Started <mark type='treatment'><b>warfarin</b></mark> for <entity label=\"Problem\">DVT</entity>.",
            (WARFARIN, DVT),
            id="other tags with the label as an attribute, and tags inside",
        ),
        pytest.param(
            "Started [warfarin](treatment) for **DVT** (problem). The DVT …", (WARFARIN, DVT), id="links and bold words"
        ),
        pytest.param(
            "<problem>no <problem>chest pain</problem></problem>",
            (Span("no chest pain", "problem", 66),),
            id="of nested spans the outermost",
        ),
        pytest.param(
            '```json\n[{"text": "warfarin", "label": "TREATMENT", "start": 2, "end": 9},\n'
            ' {"text": "DVT", "label": "problem", "start": 29, "end": 32},]\n```',
            (WARFARIN, SECOND),
            id="JSON with wrong offsets: the nearest occurrence",
        ),
        pytest.param(
            'Here you go: {"entities": [{"entity": "chest  pain", "type": "Problem"}, '
            '{"span": "Xanax", "type": "test"}]}',
            (PAIN,),
            id="other keys, other spaces, and one text that is not there",
        ),
        pytest.param(
            '{"problem": ["DVT", "DVT", "DVT"], "treatment": [], "test": "duplex ultrasound"}',
            (DVT, SECOND, DUPLEX),
            id="JSON by label; a third mention of two occurrences",
        ),
        pytest.param('{"DVT": "problem", "warfarin": "treatment"}', (WARFARIN, DVT), id="JSON by text"),
        pytest.param('[["warfarin", "treatment"], ["problem", "DVT"]]', (WARFARIN, DVT), id="JSON pairs"),
        pytest.param(
            "| # | Text | Label |\n|---|---|:---|\n| 1 | **warfarin** | Treatment |\n| 2 | “DVT” | Problem |",
            (WARFARIN, DVT),
            id="a table with a row for each span",
        ),
        pytest.param(
            "| Problem | Treatment | Test |\n|---|---|---|\n| DVT, chest pain | warfarin | – |",
            (WARFARIN, DVT, PAIN),
            id="a table with a column for each label",
        ),
        pytest.param(
            "### Problems\n- **DVT** (deep vein thrombosis)\n- chest pain – denied\n\n### Treatments:\n1. Warfarin\n\n"
            "### Tests\nNone\n\nI left out the blood pressure.",
            (WARFARIN, DVT, PAIN),
            id="headings with lists and notes",
        ),
        pytest.param(
            "Problem: DVT and chest pain;\nTreatment: “warfarin”.\nTest: N/A",
            (WARFARIN, DVT, PAIN),
            id="label: texts",
        ),
        pytest.param(
            "- warfarin (treatment)\n* dvt → problem\n3) duplex\u00a0ultrasound: Test",
            (WARFARIN, DVT, DUPLEX),
            id="text and label",
        ),
        pytest.param("<think>Problem: chest pain?</think>Treatment: warfarin", (WARFARIN,), id="after reasoning"),
        pytest.param(TEXT, (), id="a copy without marks"),
        pytest.param(f"Here is the text:\n\n{TEXT}", (), id="a copy without marks, with words before it"),
        pytest.param(f"I see nothing.\n\nAnswer: {TEXT}", (), id="a stated copy without marks"),
        pytest.param("There are no entities in this text.", (), id="no spans, in words"),
        pytest.param("[]", (), id="an empty list"),
        pytest.param('{"problem": [], "treatment": [], "test": []}', (), id="empty lists"),
    ],
)
def test_forms_that_are_read(reply: str, spans: tuple[Span, ...]) -> None:
    assert KIND.parse(reply) == spans


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't annotate medical texts.",
        "art: treatment",
        "Problem: pulmonary embolism\nTreatment: heparin\nTest: duplex ultrasound",
        "Problem: The patient seems to be ill.",
        "### Problem\nI will look at the text now.",
        "<problem>pulmonary embolism</problem>",
        "<drug>warfarin</drug>",
        '["DVT", "warfarin"]',
        '[{"text": "DVT"}]',
        '{"text": "Started", "n": 3}',
        "The test was positive.",
        "Mark each with <problem>…</problem>, <treatment>…</treatment> or <test>…</test>.",
        "Started <treatment>warfarin for DVT.",
        f"The text says: {TEXT} I must decide which of these words name a problem, and which a treatment or a test.",
        "",
    ],
)
def test_near_misses_are_no_answer(reply: str) -> None:
    assert KIND.parse_reply(reply).value is None


def test_a_reply_that_was_cut_off_needs_a_whole_copy_or_closed_json() -> None:
    cut = "Started <treatment>warfarin</treatment> for <problem>DVT</problem>. The DV"
    assert KIND.parse(cut) == (WARFARIN, DVT)
    assert KIND.parse(cut, stated_only=True) is None
    assert KIND.parse("Treatment: warfarin\nProblem: DV", stated_only=True) is None
    assert KIND.parse('[{"text": "DVT", "label": "problem"}]\n\nI hope', stated_only=True) == (DVT,)
    assert KIND.parse(TEXT.replace("DVT", "<problem>DVT</problem>", 1) + "\n\nI ho", stated_only=True) == (DVT,)


def test_targets_say_what_is_wrong() -> None:
    assert KIND.target([{"text": "DVT", "label": "Problem", "start": 31}, ["warfarin", "treatment"]]) == (
        WARFARIN,
        SECOND,
    )
    assert KIND.target([]) == ()
    for target, said in (
        ([{"text": "DVT", "label": "problem"}], "must occur once, got 2; give its start"),
        ([{"text": "DVT", "label": "problem", "start": 20}], "must stand at 20, got ' DV' there"),
        ([{"text": "DVT", "label": "drug", "start": 21}], "must be one of problem, treatment, test, got 'drug'"),
        ([{"text": "for DVT", "label": "test"}, {"text": "DVT", "label": "problem", "start": 21}], "overlap"),
        ([{"label": "problem"}], "a span must be an object such as"),
        ("Started <treatment>aspirin</treatment>.", "not a copy of the text with tags"),
        ({"problem": ["DVT"]}, "not a list of spans"),
    ):
        with pytest.raises(UsageError, match=said):
            KIND.target(target)
    for labels in ((), "problem", ("a", "A"), ("…",)):
        with pytest.raises(UsageError, match="Spans needs"):
            Spans(labels)


def test_a_problem_gives_the_kind_its_text() -> None:
    assert Problem("Mark all.", Spans(["a"]), "The text").kind == Spans(["a"], "The text")
    assert Problem("Mark all here", Spans(["a"])).kind == Spans(["a"], "Mark all here")


def test_labels_that_are_no_names_or_name_reasoning_are_attributes() -> None:
    kind = Spans(["adverse event", "analysis"], "Rash after <think>&lt; tea.")
    value = (Span("Rash", "adverse event", 0), Span("tea", "analysis", 23))
    assert kind.show(value).startswith('<span class="adverse event">Rash</span> after &lt;think&gt;&amp;lt; ')
    assert kind.parse(kind.show(value)) == value


def test_exact_and_overlapping_matches_are_counted() -> None:
    target = (DVT, DUPLEX, PAIN)
    found = (DVT, Span("ultrasound", "test", 54), Span("pain", "treatment", 75), WARFARIN)
    assert KIND.count_matches(found, target) == (1, 2, 2, 4, 3)
    assert KIND.count_matches((), target) == (0, 0, 0, 0, 3)
    assert KIND.score(target[::-1], target)
    assert not KIND.score(found, target)


@pytest.mark.parametrize(
    "piece",
    [
        *("<problem>", "<problem>a</problem>", "[a](problem)", "- DVT: problem\n", "problem: a, b\n"),
        *("| a | problem |\n", "**a** ", '{"problem":["', "problem\n", "( problem", " and", " - "),
        *("</problem>", "<", "&lt;", " ", "DVT "),
    ],
)
def test_a_hundred_thousand_characters_are_parsed(piece: str) -> None:
    # A quadratic step would take many minutes.
    assert KIND.parse_reply((piece * 100_000)[:100_000]).rule
