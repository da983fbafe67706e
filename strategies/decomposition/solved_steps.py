"""Solved sub-questions as demonstrations and as the text between a problem and its next sub-question."""

from __future__ import annotations

from reasoning.kinds import Kind
from reasoning.prompts import Demonstration
from reasoning.strategies.demonstrations import WorkedExample
from reasoning.strategies.demonstrations.rendering import example_menu
from reasoning.strategies.reply_parsing import format_numbered


def show_plan(example: WorkedExample) -> Demonstration | None:
    """Show a problem with its sub-questions as a numbered list; return None without sub-questions."""
    if not example.steps:
        return None
    listing = format_numbered(step.question for step in example.steps)
    return Demonstration(f"{example.question}\n\nLet's break down this problem:", listing)


def show_earlier_step(example: WorkedExample) -> Demonstration | None:
    """Show a problem and the answer to the last but one of its sub-questions; return None without sub-questions."""
    if not example.steps:
        return None
    *before, step = example.steps[:-1] or example.steps
    solved = format_solved([(step.question, step.answer) for step in before])
    return Demonstration(f"{example.question}\n\n{solved}Q: {step.question}\nA:", step.answer)


def show_last_step(example: WorkedExample, kind: Kind) -> Demonstration | None:
    """Show a problem, its solved sub-questions and the last answer; return None without sub-questions.

    The options stand below the last question, with the labels of the problem's kind.
    """
    if not example.steps:
        return None
    *before, last = example.steps
    solved = format_solved([(step.question, step.answer) for step in before])
    question = with_lines(last.question, example_menu(example, kind).menu() if example.options else "")
    return Demonstration(
        f"{example.question}\n\n{solved}Q: {question}\nA:", f"The answer is {example.answer}.", last.answer
    )


def show_one_pass(example: WorkedExample) -> Demonstration | None:
    """Show a problem with its sub-questions and their answers in one reply; return None without sub-questions."""
    if not example.steps:
        return None
    solved = format_solved([(step.question, step.answer) for step in example.steps])
    question = f"{example.question}\n\nLet's break down this problem:"
    return Demonstration(question, f"The answer is {example.answer}.", solved.rstrip())


def show_chain(example: WorkedExample) -> Demonstration | None:
    """Show a problem with its reasoning, or else the answers to its sub-questions; return None without both."""
    reasoning = example.rationale or " ".join(step.answer for step in example.steps)
    return Demonstration(example.question, f"The answer is {example.answer}.", reasoning) if reasoning else None


def format_solved(pairs: list[tuple[str, str]]) -> str:
    """Format solved sub-questions as the paper does: `Q: …` and `A: …`, with a blank line after each pair."""
    return "".join(f"Q: {question}\nA: {answer}\n\n" for question, answer in pairs)


def with_lines(question: str, *lines: str) -> str:
    """Return a question with further lines below it, without the empty ones."""
    return "\n".join([question, *filter(None, lines)])
