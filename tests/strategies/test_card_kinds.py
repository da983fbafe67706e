"""The kinds of answer on a card: with its defaults a technique serves these, and refuses the others with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.chain import Chain
from reasoning.errors import UsageError
from reasoning.testing import ScriptedLLM

TEXT = "The test for DVT was red on 3 May."
OF_KIND: dict[str, tuple[Any, str]] = {
    "number": (kinds.Number(), "The answer is 7."),
    "choice": (kinds.Choice(["red", "blue"]), "The answer is B."),
    "label": (kinds.Label(["good", "bad"]), "The answer is bad."),
    "yesno": (kinds.YesNo(), "The answer is yes."),
    "text": (kinds.Text(), "The answer is Paris."),
    "date": (kinds.Date(), "The answer is 2020-05-03."),
    "expression": (kinds.Expression(), "The answer is x + 1."),
    "calculation": (kinds.Calculation(), "The answer is (7 - 8 / 8) * 4."),
    "items": (kinds.Items(), "The answer is red; blue."),
    "cells": (kinds.Cells(), "The answer is red; blue."),
    "json": (kinds.Json(), 'The answer is {"a": 1}.'),
    "code": (kinds.Code(), "```python\ndef f(x):\n    return x\n```"),
    "many": (kinds.Composite({"a": kinds.Number(), "b": kinds.YesNo()}), "The answer is 7; yes."),
    "spans": (kinds.Spans(["test"], TEXT), 'The <span class="test">test</span> for DVT was red on 3 May.'),
}
FITTED = "demonstrations=[{'question': 'How many are 2 and 2?', 'answer': '4', 'rationale': '2 + 2 = 4.'}]"
SPECS = {"react": "react(tools='python')", "back_off": "back_off(react(tools='python'), sc(cot, samples=2))"}
SPECS |= {"defined_terms": "defined_terms(terms={'DVT': 'a blood clot'})", "guided": "guided(task='Answer.')"}
SPECS |= {"active_prompt": f"active_prompt({FITTED}, samples=2)"}
SPECS |= {"auto_cot": f"auto_cot({FITTED})", "synthetic": f"synthetic({FITTED}, chains='text')"}
TECHNIQUES = [name for name in strategies.catalogue() if not isinstance(strategies.get(SPECS.get(name, name)), Chain)]
# Their stages have forms of their own, so that a reply with the answer alone gives none.
STAGED = {"react", "back_off", "analogical", "decomposed", "math_prompter", "chain_of_event", "maieutic"}
PROGRAMS = {"program_of_thoughts", "pal", "faithful_cot", "chain_of_code", "binder"}
TABLE = [["thing", "colour"], ["ball", "red"], ["kite", "blue"]]


def test_every_kind_is_tried() -> None:
    assert set(kinds.KINDS) == set(OF_KIND)


@pytest.mark.parametrize("name", TECHNIQUES)
@pytest.mark.parametrize("kind_name", OF_KIND)
def test_a_technique_serves_the_kinds_of_its_card_and_refuses_the_others(name: str, kind_name: str) -> None:
    kind, reply = OF_KIND[kind_name]
    strategy = strategies.get(SPECS.get(name, name))
    card = strategy.card
    served = tuple(card.default_kinds or card.kinds or [type(kind)])
    table = TABLE if "table" in card.requires else None
    question, inputs = "4 of 7 are red. Which thing is it?", {"target": "the thing"}
    problem = Problem(question, kind, context=TEXT, table=table, inputs=inputs)
    llm = ScriptedLLM(lambda messages: reply)
    if not isinstance(kind, served):
        with pytest.raises(UsageError, match=r"gives answers of the kind|is shipped for answers of kind"):
            strategy.run(problem, llm)
        assert llm.calls == 0
        return
    answer = strategy.run(problem, llm)
    assert llm.calls > 0
    if name not in STAGED | PROGRAMS:
        assert answer.state == "answered", answer.reason


def test_the_card_says_it_in_words() -> None:
    assert strategies.get("cot").card.kinds_text == "all"
    assert strategies.get("three_hop").card.kinds_text == "Label, Choice"
    words = "all; with the shipped demonstrations Number, Choice, YesNo, Text, Items"
    assert strategies.get("complex_cot").card.kinds_text == words
    for name in TECHNIQUES:
        card = strategies.get(SPECS.get(name, name)).card
        assert set(card.default_kinds) <= set(card.kinds or kinds.KINDS.values())
