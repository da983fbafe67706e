"""Demonstrations of the stages of maieutic prompting: statements, negations, reasons, verdicts and relations."""

from __future__ import annotations

from reasoning.prompts import Demonstration

STATEMENTS = (
    Demonstration("Do penguins live at the North Pole?\n\nAnswer: yes", "Penguins live at the North Pole."),
    Demonstration(
        "Which metal is liquid at room temperature?\n\n(A) iron\n(B) mercury\n\nAnswer: mercury",
        "The metal that is liquid at room temperature is mercury.",
    ),
    Demonstration("Is it false that all birds can fly?\n\nAnswer: yes", "Not all birds can fly."),
    Demonstration("Honey can be kept for years.\n\nAnswer: yes", "Honey can be kept for years."),
)
NEGATIONS = (
    Demonstration("Statement: All birds can fly.", "Not all birds can fly."),
    Demonstration("Statement: Some metals are liquid at room temperature.", "No metal is liquid at room temperature."),
    Demonstration("Statement: A candle cannot burn under water.", "A candle can burn under water."),
    Demonstration("Statement: Penguins live at the North Pole.", "Penguins do not live at the North Pole."),
)
REASONS = (
    Demonstration(
        "Statement: Penguins live at the North Pole.\nThis statement is true, because",
        "Penguins have feathers and fat that protect them from ice and cold.",
    ),
    Demonstration(
        "Statement: Penguins live at the North Pole.\nThis statement is false, because",
        "Wild penguins live almost only in the southern half of the earth.",
    ),
    Demonstration(
        "Statement: Honey can be kept for years.\nThis statement is false, because",
        "Food that stands open for a long time takes up water and becomes mouldy.",
    ),
    Demonstration(
        "Statement: Honey can be kept for years.\nThis statement is true, because",
        "Honey has too little water for bacteria to grow in it.",
    ),
)
VERDICTS = (
    Demonstration(
        "Statement: Penguins live at the North Pole.",
        "Wild penguins live almost only in the southern half of the earth. Therefore, the statement is false.",
    ),
    Demonstration(
        "Statement: Honey can be kept for years.",
        "Honey has too little water for bacteria to grow in it. Therefore, the statement is true.",
    ),
    Demonstration(
        "Statement: Not all birds can fly.",
        "Ostriches are birds that cannot fly. Therefore, the statement is true.",
    ),
    Demonstration(
        "Statement: No metal is liquid at room temperature.",
        "Mercury is a metal that is liquid at room temperature. Therefore, the statement is false.",
    ),
)
RELATIONS = (
    Demonstration(
        "Premise: All birds lay eggs.\n\nSentences:\n1. Sparrows build nests.\n2. Some birds bear living young.\n"
        "3. Sparrows lay eggs.",
        "1: neutral\n2: contradiction\n3: entailment",
    ),
)
