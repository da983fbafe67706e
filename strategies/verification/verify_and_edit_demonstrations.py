"""Demonstrations of the stages of Verify-and-Edit: verifying questions, and answers to them."""

from __future__ import annotations

from reasoning.prompts import Demonstration

QUESTIONS = (
    Demonstration(
        "Overall question: Which of the two lighthouses at Cape Orla is older?\n\n"
        "Sentence: The northern lighthouse at Cape Orla was first lit in 1864.",
        "In which year was the northern lighthouse at Cape Orla first lit?",
    ),
    Demonstration(
        "Overall question: Was the founder of the Vell museum a sailor?\n\n"
        "Sentence: It was founded by Ines Karlo, who had been a teacher.",
        "What was the occupation of the founder of the Vell museum?",
    ),
)
ANSWERS = (
    Demonstration(
        "Sentences:\n- Cape Orla: The northern lighthouse was built in 1871 and lit a year later.\n"
        "- Cape Orla: The southern one has been dark since 1930.\n\n"
        "Question: In which year was the northern lighthouse at Cape Orla first lit?",
        "The northern lighthouse at Cape Orla was first lit in 1872.",
    ),
    Demonstration(
        "Sentences:\n- Vell: The museum has 240 model ships.\n- Vell: It is closed on Mondays.\n\n"
        "Question: What was the occupation of the founder of the Vell museum?",
        "not found",
    ),
    Demonstration(
        "Sentences:\n- Ines Karlo: Ines Karlo (1880-1951) was a captain who collected model ships.\n\n"
        "Question: What was the occupation of Ines Karlo?",
        "Ines Karlo was a captain.",
    ),
)
