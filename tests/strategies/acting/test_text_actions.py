"""Steps in the forms in which chat models write them: one thought, one action, and nothing that follows."""

from __future__ import annotations

import pytest

from reasoning.strategies.acting.text_actions import Action, mark_labels, parse_action, parse_step

NAMES = ("Search", "Lookup", "Python")


@pytest.mark.parametrize(
    ("reply", "thought", "action"),
    [
        # The form that is asked for, with and without the open line.
        ("I need the river.\nAction 1: Search[Vael]", "I need the river.", "Search[Vael]"),
        (" Thought 1: I need the river.\n\nAction 1: Search[Vael]\n", "I need the river.", "Search[Vael]"),
        (
            "Sure! Here is the first step.\n\nThought 1: I need it.\nAction 1: Search[Vael]",
            "I need it.",
            "Search[Vael]",
        ),
        ("**Thought 1:** I need it.\n**Action 1:** Search[Vael]", "I need it.", "Search[Vael]"),
        ("### Thought 1: I need it.\n### Action 1: **Search[Vael]**", "I need it.", "Search[Vael]"),
        ("- Thought: I need it.\n- Action: `Search[Vael]`", "I need it.", "Search[Vael]"),
        ("> Thought 1： I need it.\n> Action 1： Search[Vael]", "I need it.", "Search[Vael]"),
        ("I need it. Action 1: Search[Vael]", "I need it.", "Search[Vael]"),
        ("I need it. **Action 1:** Search[Vael] I will see.", "I need it.", "Search[Vael]"),
        ("First I look.\nThen I think.\nAction 1: Search[Vael]", "First I look.\nThen I think.", "Search[Vael]"),
        ("<think>Hm, Action 1: Search[Osk]</think>I need it.\nAction 1: Search[Vael]", "I need it.", "Search[Vael]"),
        # Several steps, and observations that the model invents.
        ("a\nAction 1: Search[x]\nObservation 1: y\nThought 2: z\nAction 2: Finish[no]", "a", "Search[x]"),
        ("a\nAction 1: Search[x]\n\nThought 2: z\nAction 2: Finish[no]", "a", "Search[x]"),
        ("a\nAction 1: Search[x]\n**Observation:** y", "a", "Search[x]"),
        ("a\nAction 1: Search[x]\nAction 2: Finish[no]", "a", "Search[x]"),
        ("a\nThought 2: b\nAction 2: Search[x]", "b", "Search[x]"),
        # The action in other forms.
        ("a\nAction 1: search[Vael]", "a", "search[Vael]"),
        ("a\nAction 1: finish[SUPPORTS]", "a", "Finish[SUPPORTS]"),
        ("a\nAction 1: Finish[SUPPORTS", "a", "Finish[SUPPORTS]"),
        ("a\nAction 1: Finish[a [b] c]", "a", "Finish[a [b] c]"),
        ("a\nAction 1: Finish[x[0] and y[1]] I am sure [of it]", "a", "Finish[x[0] and y[1]]"),
        ("a\nAction 1: Search[the interval (0, 1]]", "a", "Search[the interval (0, 1]]"),
        ("a\nAction 1: Search[the interval [0, 1)]", "a", "Search[the interval [0, 1)]"),
        ("a\nAction 1: Lookup[The Tower (film)] on another site", "a", "Lookup[The Tower (film)]"),
        ("a\nAction 1: Search: Vael", "a", "Search[Vael]"),
        ("a\nAction: Search: Vael\nThis will tell.", "a", "Search[Vael]"),
        ("a\nAction 1: Action: Search: [Vael]", "a", "Search[Vael]"),
        ('a\nAction 1: Search "Vael"', "a", "Search[Vael]"),
        ('a\nAction 1: search("Vael")', "a", 'search["Vael"]'),
        ("a\nAction 1: I will use Search[Vael] now.", "a", "Search[Vael]"),
        ("a\nAction 1:\n\nSearch[Vael]", "a", "Search[Vael]"),
        ("a\nAction 1: \n```\nSearch[Vael]\n```", "a", "Search[Vael]"),
        ("a\nAction: Search\nAction Input: Vael\nObservation: x", "a", "Search[Vael]"),
        ("a\nAction: Search\nAction Input: Vael\n\nAction: Finish", "a", "Search[Vael]"),
        ("a\nFinal Answer: the Great Dore\n\nI hope it helps.", "a", "Finish[the Great Dore]"),
        ('a\nAction 1: {"action": "Search", "action_input": "Vael"}', "a", "Search[Vael]"),
        (
            'a\nAction 1:\n```json\n{"name": "Search", "arguments": {"entity": "Vael"}}\n```',
            "a",
            'Search[{"entity": "Vael"}]',
        ),
        (
            'a\n<tool_call>\n{"name": "Search", "arguments": {"entity": "Vael"}}\n</tool_call>',
            "a",
            'Search[{"entity": "Vael"}]',
        ),
        ('a\n```json\n{"tool": "Search", "input": "Vael"}\n```', "a", "Search[Vael]"),
        ('{"thought": "a", "action": "Finish", "answer": "Vael"}', "", "Finish[Vael]"),
        ("a\nSearch[Vael]", "a", "Search[Vael]"),
        ("a\n**Search[Vael]**", "a", "Search[Vael]"),
        ("a\nAction 1: Python\n```python\nx = [1]\nprint(x[0])\n```", "a", "Python[x = [1]\nprint(x[0])]"),
        ("a\nAction 1: Python[\nx = [1, 2]\nprint(x[0])\n]\nI wait.", "a", "Python[x = [1, 2]\nprint(x[0])]"),
        ("a\nAction 1: Python: ```print(1)```", "a", "Python[print(1)]"),
        # What is no action of a tool is shown to the model again.
        ("a\nAction 1: Login", "a", "Login[]"),
        ("a\nAction 1: I will search for the Vael.", "a", "I will search for the Vael."),
        ("a\nAction 1: Finish[]", "a", "Finish[]"),
        # Without an action.
        ("I need the river.", "I need the river.", None),
        ("Thought 1: I need the river.\nAction 1:", "I need the river.", None),
        ("The best action: none yet.", "The best action: none yet.", None),
        (
            'The object {"name": "Vael"} says little.\nI think.',
            'The object {"name": "Vael"} says little.\nI think.',
            None,
        ),
        ("", "", None),
        ("\n\n", "", None),
    ],
)
def test_the_first_step_of_a_reply(reply: str, thought: str, action: str | None) -> None:
    found = parse_step(reply, NAMES)
    assert (found[0], None if found[1] is None else str(found[1])) == (thought, action)


@pytest.mark.parametrize(
    ("reply", "action"),
    [
        ("Thought 1: a\nAction 1: Search[x]\nObservation 1: y\nThought 2: b\nAction 2: Finish[z]", "Finish[z]"),
        ("Action 1: Search[x]\n\n**Action 2:** Finish[z]", "Finish[z]"),
        ("b\nAction 2: Search[x]\nObservation 2: y\nThought 3: c\nAction 3: Finish[z]", "Search[x]"),
        ("Thought 2: b\nAction 2: Search[x]", "Search[x]"),
        ("Thought 1: b\nAction 1: Search[x]", "Search[x]"),
        ("b\nAction: Search[x]\nThought 2: c\nAction 2: Finish[z]", "Search[x]"),
    ],
)
def test_earlier_steps_that_a_reply_repeats_are_dropped(reply: str, action: str) -> None:
    assert str(parse_step(reply, NAMES, 2)[1]) == action


def test_a_missing_bracket_is_known() -> None:
    assert not parse_action("Finish[SUP", NAMES).is_complete
    assert parse_action("Finish[SUP]", NAMES).is_complete
    assert parse_action("Finish: SUP", NAMES).is_complete


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("A river.\nThought 2: I am done.", "A river.\n| Thought 2: I am done."),
        ("A river.\n  **Action 2:** Finish[x]", "A river.\n|   **Action 2:** Finish[x]"),
        ("Observation 1: x", "| Observation 1: x"),
        ("x\nfinal answer: y", "x\n| final answer: y"),
        ("Action films of 1990: a list", "Action films of 1990: a list"),
        ("A thought: fine", "A thought: fine"),
    ],
)
def test_no_line_of_an_observation_passes_for_a_step(text: str, marked: str) -> None:
    assert mark_labels(text) == marked


@pytest.mark.parametrize(
    "part",
    [
        *("[", "]", "(", "{", '{"name": ', "Action 1: ", "Action: ", "\nAction 1:\n", "Thought 1: ", "> ", "*", "- "),
        *("```", "a ", "Search[", "<tool_call>", "<think>", "Observation 1: ", "\n", '"', "Search ", "a. Action "),
    ],
)
def test_a_long_reply_takes_linear_time(part: str) -> None:
    text = part * (100_000 // len(part))
    for reply in (text, f"Action 1: {text}", f"Action 1: Search[{text}", f"a\n{text}\nAction 1: Search[x]"):
        thought, action = parse_step(reply, NAMES)
        assert len(thought) <= 2_000
        assert action is None or isinstance(action, Action)
        parse_action(reply, NAMES)
        mark_labels(reply)
