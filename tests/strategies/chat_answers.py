"""Answers in the forms of today's chat models: the same number, the same option, and replies that answer nothing."""

from __future__ import annotations

SIXTY_SEVEN = [
    "72 - 5 = 67. The answer is 67.",
    "**Step 1:** There are 72 eggs.\n\n**Step 2:** 72 - 5 = 67\n\n**Answer:** 67 eggs",
    "### Step 1\nThere are 72 eggs.\n\n### Step 2\n5 break.\n\n### Final Answer\n**67**",
    "There are 72 eggs and 5 break:\n\n\\[ 72 - 5 = 67 \\]\n\nThus, \\(\\boxed{67}\\) eggs are left.",
    "$$\\boxed{67 \\text{ eggs}}$$",
    "| Step | Result |\n|---|---|\n| Eggs | 72 |\n| Broken | 5 |\n| Left | 67 |\n\nThe answer is **67**.",
    'Here is the result:\n\n```json\n{"reasoning": "72 - 5", "answer": 67}\n```',
    "<think>72 or 67? 72 - 5 = 67.</think>\nThe answer is 67.",
    "Sure! Let me work it out.\n\n1. 6 * 12 = 72\n2. 72 - 5 = 67\n\nSo, **67 eggs** are left.\n\nI hope this helps!",
    "**Answer: 67**",
    "Answer\uff1a\uff16\uff17",
    "#### 67",
    "So the final answer is $67$.",
    "The answer is „67“.",
]
"""Replies to "6 trays of 12 eggs, 5 break: how many are left?"."""

OPTION_B = [
    "The answer is B.",
    "The answer is (B).",
    "**Answer: B) aspirin**",
    "### Answer\n**(B) aspirin**",
    "**B**",
    "\\boxed{B}",
    "$\\boxed{\\text{B}}$",
    "Options A and C do too much.\n\nTherefore, the correct answer is **B. aspirin**.",
    '```json\n{"explanation": "A and C do too much", "answer": "B"}\n```',
    "<think>A? No.</think>Final answer: B",
    "Let's go through the options.\n\n- (A) No.\n- (B) Yes.\n- (C) No.\n\nThe best choice is (B).",
]
"""Replies to a question with the options rest, aspirin, surgery."""

NO_ANSWER = [
    "",
    "I'm sorry, but I can't help with that.",
    "I cannot determine the answer from the given information.",
    "As an AI model, I am unable to answer this question.",
    "The answer depends on the size of the trays.",
    "The answer cannot be determined.",
]
