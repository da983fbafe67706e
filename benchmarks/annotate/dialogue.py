"""The dialogue in which a person annotates questions, line by line, in any terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reasoning.benchmarks.annotate.annotation_file import AnnotationFile, WaitingQuestion
from reasoning.errors import UsageError
from reasoning.text_safety import to_line

Ask = Callable[[str], "str | None"]
"""Shows a prompt and returns the line that the person enters, without its end; None at the end of the input."""

_MOST = 200
"""The most characters of an answer that are shown."""
_HELP = """\
Write the reasoning, one step a line, as the model should write it; an empty line ends it. Then give the answer.
:skip  pass over this question, such as an ill-posed one      :back   go to the question before
:clear forget the lines of this question                      :show   show the question again
:quit  leave; the same command continues                      :help   show this"""


class Dialogue:
    """A dialogue over the questions of a file. Every line that the person enters is stored at once.

    Args:
        file: the annotations and the questions.
        ask: reads a line from the person.
        say: shows a text to the person.
    """

    def __init__(self, file: AnnotationFile, ask: Ask, say: Callable[[str], None]) -> None:
        self._file, self._ask, self._say = file, ask, say
        self._visited: list[int] = []

    def run(self) -> None:
        """Ask until as many questions are annotated as are wanted, no question is left, or the person leaves."""
        self._say(_HELP)
        current = self._next()
        while current is not None:
            command = self._annotate(current)
            if command == ":quit":
                return
            if command == ":back":
                current = self._before(current)
                continue
            if command == ":skip":
                self._file.skip(current)
            if not self._visited or self._visited[-1] != current:
                self._visited.append(current)
            current = self._next()

    def _next(self) -> int | None:
        return None if self._file.is_complete else self._file.next_open()

    def _before(self, current: int) -> int:
        """Return the question before this one, or this one if it is the first."""
        while self._visited and self._visited[-1] == current:
            self._visited.pop()
        if not self._visited:
            self._say("this is the first question")
            return current
        return self._visited.pop()

    def _annotate(self, index: int) -> str:
        """Ask for the annotation of a question. Return the command that ended it; "" if it is annotated."""
        question = self._file.questions[index]
        self._say(self._describe(question))
        lines = self._read_rationale(index, list(question.draft))
        if isinstance(lines, str):
            return lines
        known = self._file.annotation(question)
        if not lines and known is not None:
            return ""
        answer = self._read_answer(question, known.answer if known is not None else question.gold)
        if answer.startswith(":"):
            return answer
        self._file.annotate(index, lines, answer)
        self._say(f"stored in {self._file.path}")
        return ""

    def _describe(self, question: WaitingQuestion) -> str:
        problem, total = question.example.problem, sum(count for _, count in question.shares)
        answers = ", ".join(
            f"{'no answer' if answer is None else _on_a_line(answer)} ({100 * count / total:.0f} %)"
            for answer, count in question.shares
        )
        parts = [
            f"\n{self._file.done} of {self._file.wanted} annotated · uncertainty {question.uncertainty:.2f}",
            f"\n{problem.values()['problem']}\n",
            f"The model's answers in {total} samples: {answers}",
        ]
        if question.gold is not None:
            parts.append(f"The right answer, as the data has it: {_on_a_line(question.gold)}")
        if (known := self._file.annotation(question)) is not None:
            parts.append(f"Your annotation, which an empty line keeps:\n{known.rationale}\nAnswer: {known.answer}")
        if question.draft:
            parts.append("You began with these lines; go on, or :clear them:\n" + "\n".join(question.draft))
        return "\n".join(parts)

    def _read_rationale(self, index: int, lines: list[str]) -> list[str] | str:
        """Return the lines of the reasoning, or a command."""
        question = self._file.questions[index]
        while True:
            line = self._ask("> ")
            if line is None:
                return ":quit"
            command = line.strip()
            if not command:
                if lines or self._file.annotation(question) is not None:
                    return lines
                self._say("the reasoning needs at least one line; :skip passes over the question")
            elif command in (":skip", ":back", ":quit"):
                return command
            elif command == ":clear":
                lines = []
                self._file.keep_draft(index, lines)
            elif command in (":help", ":show"):
                self._say(_HELP if command == ":help" else self._describe(question))
            elif command.startswith(":"):
                self._say(f"no such command: {command}; :help lists them")
            else:
                lines = [*lines, line.rstrip()]
                self._file.keep_draft(index, lines)

    def _read_answer(self, question: WaitingQuestion, proposed: str | None) -> str:
        """Return the answer as its kind shows it, or a command."""
        example = question.example
        hint = "" if proposed is None else f" [{_on_a_line(proposed)}]"
        while True:
            line = self._ask(f"Answer{hint}: ")
            if line is None:
                return ":quit"
            text = line.strip() or proposed or ""
            if text in (":skip", ":back", ":quit"):
                return text
            value = _read_value(question, text)
            if value is None:
                self._say(f"must be an answer of kind {example.problem.kind.name}, got {text!r:.80}")
                continue
            shown = example.problem.kind.show(value)
            if question.gold is None or shown == question.gold or _is_right(question, value):
                return shown
            sure = self._ask(f"The right answer is {question.gold}, as the data has it. Keep {shown}? [y/N] ")
            if sure is not None and sure.strip().lower() in ("y", "yes"):
                return shown


def _on_a_line(answer: str) -> str:
    """Return an answer that cannot imitate further lines of the dialogue, cut if it is long."""
    line = to_line(answer)
    return line if len(line) <= _MOST else f"{line[:_MOST]}…"


def _read_value(question: WaitingQuestion, text: str) -> Any:
    """Return the value of an answer that a person wrote; None if it is no answer of the kind."""
    kind = question.example.problem.kind
    if not text:
        return None
    try:
        return kind.target(text)
    except UsageError:
        return kind.parse(f"The answer is {text}.")


def _is_right(question: WaitingQuestion, value: Any) -> bool:
    try:
        return question.example.score(value)
    except UsageError:
        # The problem's own scorer is not in the file.
        return True
