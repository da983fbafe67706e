"""Demonstrations of the stages of chain-of-knowledge: queries, corrections, and the next reason."""

from __future__ import annotations

from reasoning.prompts import Demonstration

QUESTIONS = (
    Demonstration(
        "Question: Which of the two lighthouses at Cape Orla is older?\n\n"
        "Reason: The northern lighthouse at Cape Orla was first lit in 1864.",
        "In which year was the northern lighthouse at Cape Orla first lit?",
    ),
    Demonstration(
        "Question: Was the founder of the Vell museum a sailor?\n\n"
        "Reason: The Vell museum was founded by Ines Karlo, a teacher.",
        "Who founded the Vell museum?",
    ),
)
CORRECTIONS = (
    Demonstration(
        "Question: Which of the two lighthouses at Cape Orla is older?\n\n"
        "Found:\n- Cape Orla: The northern lighthouse was lit for the first time in 1872.\n\n"
        "Reason: The northern lighthouse at Cape Orla was first lit in 1864.",
        "The northern lighthouse at Cape Orla was first lit in 1872.",
    ),
    Demonstration(
        "Question: Was the founder of the Vell museum a sailor?\n\n"
        "Found:\n- Vell: The museum has 240 model ships.\n- Vell: It is closed on Mondays.\n\n"
        "Reason: The Vell museum was founded by Ines Karlo, a teacher.",
        "unchanged",
    ),
)
