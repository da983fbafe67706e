"""The forms in which chat models choose one of several responses, and forms that choose none."""

from __future__ import annotations

import pytest

from reasoning.strategies.sampling.response_choice import chosen_response

TABLE = "| Response | Final answer |\n|---|---|\n| Response 1 | 72 |\n| Response 2 | 67 |\n| Response 3 | 67 |\n"


@pytest.mark.parametrize(
    "reply",
    [
        "The most consistent response is Response 3",
        "The most consistent response is Response 3.",
        "The most consistent response is 3.",
        "The most consistent response is #3",
        "The most consistent response is Response #3.",
        "The most consistent response is **Response 3**.",
        "**The most consistent response is Response 3.**",
        "The most consistent response is: **3**",
        "**Most consistent response:** 3",
        "**Most consistent response:** Response 3",
        "### Most consistent response: Response 3",
        "The most consistent response is\u00a0Response\u00a03.",
        "The most consistent response is “Response 3”.",
        "The most consistent response is „Response 3“.",
        "The most consistent response is 'Response 3'",
        "The most consistent response is (3).",
        "The most consistent response is Response No. 3",
        "The most consistent response is Response number 3.",
        "The most consistent response is Response three.",
        "The most consistent response is the third response.",
        "The most consistent response is the third one.",
        "The most consistent response is Response ③",
        "The most consistent response is Response \uff13\uff0e",
        "Most consistent response\uff1a\uff13",
        "The most consistent response is therefore Response 3.",
        "The most consistent answer is Response 3, because 1, 2 and 5 give the same number.",
        "The most consistent response would be Response 3 (67 eggs).",
        "The most consistent response is Response 3: There are 67 eggs left.",
        "Sure! Let me compare them.\n\n"
        + TABLE
        + "\nThe most consistent response is Response 3.\n\nI hope this helps!",
        TABLE + "\nResponse 3 is the most consistent response.",
        "Response 3 agrees best with the others.",
        "Response 3 agrees most with the majority.",
        "**Response 3** is the best match.",
        "**Response 3**",
        "Response 3",
        "Response 3.",
        "### Response 3",
        "#3",
        "(3)",
        "3",
        "3.",
        "**3**",
        "③",
        "\uff13",
        "Final answer: 3",
        "**Final answer:** Response 3",
        "Answer: Response 3",
        "My choice: Response 3",
        "I would choose Response 3.",
        "I choose Response 3, since most give 67.",
        "I'd go with Response 3.",
        "Response 3 and 5 agree, so 3",
        "Responses 3 and 5 agree, so 3.",
        "Response 3 and 5 agree, so Response 3.",
        "Responses 3 and 5 agree. Therefore, I choose Response 3.",
        "Three of the responses say 67.\n\nTherefore, response 3.",
        "$\\boxed{3}$",
        "\\[ \\boxed{\\text{Response 3}} \\]",
        "\\boxed{Response 3}",
        '{"response": 3}',
        '{"most_consistent_response": 3}',
        '```json\n{"reasoning": "1, 2 and 3 agree", "choice": "Response 3"}\n```',
        '{"answer": "3"}',
        "{'selected': 3}",
        "<think>Response 1 or Response 2? Response 4.</think>\nThe most consistent response is Response 3.",
        "The most consistent response is Response 1... no, wait.\nThe most consistent response is Response 3.",
        "1. Response 1: 72\n2. Response 2: 67\n3. Response 3: 67\n\nThe majority is Response 3",
        "The answer is 3.",
        "The most consistent response is:\n\n**Response 3**\n\nLet me know if you need more!",
        "The most consistent response is:\n\n3",
        "**Most Consistent Response:**\n\n> Response 3: The answer is 67.\n\nAll others differ in the form.",
        "Based on the majority, I select **Response 3** as the most consistent.",
        "Response: 3",
        "Best response: 3",
        "I pick #3.",
        "7 - 5 = 2, so 2.\n\n**Response 3**",
        "My choice is 3.",
        "[3]",
        "<answer>Response 3</answer>",
        "- Response 1: 72\n- Response 2: 67\n- Response 3: 67\n\nConclusion: Response 3 is the most consistent.",
        "The most consistent response is Response 3, with responses 2 and 5 agreeing.",
    ],
)
def test_the_third_response_is_chosen(reply: str) -> None:
    assert chosen_response(reply, 5) == 3


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I cannot choose.",
        "I'm sorry, but I can't compare these responses.",
        "None of the responses agree with each other.",
        "All five responses differ.",
        "Responses 3 and 5 agree.",
        "Response 3 and 5 agree.",
        "Response 3 and Response 5 agree.",
        "Responses 1, 2 and 3 say the same.",
        "The most consistent response is Response 3 or Response 5.",
        "The most consistent responses are 3 and 5.",
        "The most consistent response is Response 3 and Response 5.",
        "The most consistent response is Response 3/4.",
        "The most consistent response is Response 6.",
        "The most consistent response is Response 0.",
        "The most consistent response is Response 3.5.",
        "The most consistent response is 67.",
        "The least consistent response is Response 3.",
        "Response 3 is the outlier.",
        "Response 3 is not consistent with the others.",
        "It is not Response 3.",
        "I cannot decide between Response 3 and another one.",
        "The answer is 67.",
        "67",
        "Final answer: 67",
        "\\boxed{67}",
        '{"answer": 67}',
        '{"response": null}',
        TABLE.strip(),
        "- Response 1: 72\n- Response 2: 67\n- Response 3: 67",
        "1. Response 1: 72\n2. Response 3: 67",
        "I pick 3 eggs.",
        "72 - 69 = 3, so 3.",
        "The most consistent response is Response 1, 2 and 3 agree with it.",
        "There are 3 responses that say 67.",
        "The responses are numbered from 1 to 5.",
        "30 % agree.",
    ],
)
def test_no_response_is_chosen(reply: str) -> None:
    assert chosen_response(reply, 5) is None


@pytest.mark.parametrize(
    "part", ["response 3 and ", "most consistent response is ", "\\boxed{", '"response": ', "so ", "|"]
)
def test_long_replies_are_read_in_linear_time(part: str) -> None:
    chosen_response(part * (100_000 // len(part)), 5)
