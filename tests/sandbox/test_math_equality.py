"""Expressions with the same value are equal, whatever their form; nothing of them can do harm."""

from __future__ import annotations

import time

import pytest

from reasoning.benchmarks.results import example_json
from reasoning.benchmarks.tasks import get
from reasoning.benchmarks.tasks.math_scorer import MathScorer
from reasoning.errors import UsageError
from reasoning.kinds import Expression, Number
from reasoning.problem import Example, Problem
from reasoning.sandbox.execution import ResourceLimits
from reasoning.sandbox.interpreter import Interpreter
from reasoning.sandbox.latex_to_sympy import latex_to_sympy
from reasoning.sandbox.math_equality import are_equal, is_equal

EQUAL = [
    (r"\frac{1}{2}", "0.5"), (r"3\frac{1}{2}", "3.5"), ("x^2+2x+1", "(x+1)^2"), (r"2\sqrt{3}", r"\sqrt{12}"),
    (r"\sqrt[3]{8}", "2"), (r"\frac{1}{\sqrt2}", r"\frac{\sqrt2}{2}"), (r"\pi r^2", r"r^2\pi"), ("|x-1|", "|1-x|"),
    (r"\log_2 8", "3"), (r"\ln e^2", "2"), (r"\sin^2 x+\cos^2 x", "1"), ("sin(x)cos(x)", r"\frac{\sin 2x}{2}"),
    ("10!", "3628800"), (r"2^{10}", "1024"), (r"3\cdot 10^8", "300000000"), ("3+4i", "4i+3"), (r"e^{\pi i}", "-1"),
    (r"e^{2\pi i}", "1"), ("x_1+x_2", "x_2+x_1"), ("-(x-1)", "1-x"), (r"\frac{x^2-1}{x-1}", "x+1"), ("xy", "yx"),
    (r"\{1,2\}", r"\{2,1\}"), ("1,2,3", "3,1,2"), (r"x=2 \text{ or } x=3", "3, 2"),
    (r"1\pm\sqrt2", r"1-\sqrt2, 1+\sqrt2"), ("(0,1]", r"(0, \frac22]"), (r"(\frac12, 3)", "(0.5, 3)"),
    (r"(-\infty,1)\cup(2,\infty)", r"(2,\infty)\cup(-\infty,1)"), (r"x\leq 3", r"3 \geq x"), ("2x+y=3", "y+2x=3"),
    (r"50\%", "50"), ("1,234", "1234"), (r"\arctan 1", r"\frac{\pi}{4}"), (r"\text{even}", "Even"),
    (r"\theta+1", r"1+\theta"),
]  # fmt: skip
DIFFERENT = [
    ("0.33", r"\frac13"), ("x+1", "x+2"), ("x", "y"), ("(0,1]", "[0,1]"), ("(1,2)", "(2,1)"), ("{1,2}", "{1,2,3}"),
    ("{1,1,2}", "{1,2,2}"), ("even", "odd"), (r"\sqrt{x^2}", "x"), (r"\infty", r"-\infty"), ("1/0", "2/0"),
    ("x<3", "x>3"), ("x<3", r"x\leq 3"), ("11_2", "3"), ("", "x"), ("1", "1,1"), ("5", "{5, 6}"), ("2^{-1}", "-2"),
    ("x", ""), (r"\begin{pmatrix}1\\2\end{pmatrix}", "1"), ("1e400", "1"), ("x=y=z", "x"), (")(", "1"), ("a+", "a"),
]  # fmt: skip
HOSTILE = [
    "9^{9^{9^9}}", "(" * 3000 + "1", "\\frac{" * 500, "__import__('os')", "');import os;('",
    "Rational('1')", "lambda: 1",
    "x" * 5000, "sqrt(" * 100 + "2" + ")" * 100, "\x00", "1" * 280, "10^{10^{10}}!", "5!!!!!!", "'\n'",
    "\\" * 300, "{{{{",
]  # fmt: skip


@pytest.fixture(scope="module")
def interpreter():
    with Interpreter() as interpreter:
        yield interpreter


def test_equal_and_different_in_one_batch(interpreter: Interpreter) -> None:
    found = are_equal([*EQUAL, *DIFFERENT], interpreter)
    wrong = [pair for pair, same in zip(EQUAL, found, strict=False) if not same]
    wrong += [pair for pair, same in zip(DIFFERENT, found[len(EQUAL) :], strict=True) if same]
    assert wrong == []


def test_the_order_does_not_matter(interpreter: Interpreter) -> None:
    backwards = [(b, a) for a, b in [*EQUAL, *DIFFERENT]]
    assert are_equal(backwards, interpreter) == [True] * len(EQUAL) + [False] * len(DIFFERENT)


def test_one_that_never_ends_does_not_take_the_others_along(interpreter: Interpreter) -> None:
    started = time.perf_counter()
    pairs = [("1/2", "0.5"), ("9^{9^{9^9}}", "1"), ("2", "3"), ("x+x", "2x")]
    assert are_equal(pairs, interpreter, ResourceLimits(seconds=1, memory_mb=256)) == [True, False, False, True]
    assert time.perf_counter() - started < 60


def test_nothing_can_be_smuggled_in(interpreter: Interpreter) -> None:
    for text in HOSTILE:
        code = latex_to_sympy(text)
        assert code is None or not set(code) - set("0123456789.+-*/()' ,[]_<>=!") - set(map(chr, range(65, 123)))
        assert code is None or "import" not in code
    assert not any(
        are_equal([(text, "7") for text in HOSTILE], interpreter, ResourceLimits(seconds=0.5, memory_mb=256))
    )


def test_what_is_equal_in_notation_starts_no_process() -> None:
    with Interpreter("interpreter") as without:  # which would warn
        assert is_equal(r"\dfrac{1}{2}", "1/2", without)
        assert not is_equal("even", r"\begin{cases}", without)


def test_without_sympy_only_notation_counts_and_it_is_said() -> None:
    for sandbox in ("process, packages=", "interpreter"):
        with Interpreter(sandbox) as bare, pytest.warns(UserWarning, match="by their notation only"):
            assert not is_equal("1/2", "0.5", bare)


# The scorer of tasks with expressions.


def test_a_task_with_expressions_scores_by_value(tmp_path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"question": "Half of x?", "answer": "\\\\frac{x}{2}", "kind": "expression"}\n')
    (example,) = get(f"jsonl:{file}").load(1, 0)
    read = example.problem.kind.parse(r"So the answer is $0.5x$.")
    assert example.score(read)
    assert not example.score("x")
    assert not example.score(None)
    again = example_json.from_json(example_json.to_json(example))
    assert again == example
    assert again.scorer == example.scorer == MathScorer(Expression(), r"\frac{x}{2}")
    assert "own_scorer" not in example_json.to_json(example)


def test_other_scorers_stay_what_they_were() -> None:
    own = Example(Problem("?", Expression(), id="a"), "1", lambda value: True)
    assert example_json.to_json(own)["own_scorer"] is True
    assert example_json.from_json(example_json.to_json(own)).scorer is None
    plain = Example(Problem("?", Number(), id="a"), 1)
    assert example_json.from_json(example_json.to_json(plain)).scorer is None
    with pytest.raises(UsageError, match="is not an expression"):
        MathScorer(Expression(), True)("1")


def test_an_object_that_is_no_expression_is_wrong() -> None:
    assert not any(map(MathScorer(Expression(), "0.5"), [None, 10**5000, 0.5, 1j, ["0.5"], {}]))
