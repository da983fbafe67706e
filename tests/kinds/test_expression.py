"""Expression: spellings that are the same expression, and others that are not. Nothing is evaluated."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning.kinds import Expression
from reasoning.kinds.math_notation import normalize, strip_latex
from tests.kinds.samples import NASTY

ONE = [
    (r"\frac{1}{2}", "1/2"),
    (r"\dfrac12", r"\frac{1}{2}"),
    (r"\tfrac{1}{2}", "½"),
    (r"\frac{\sqrt{3}}{2}", "sqrt(3)/2"),
    (r"\frac{x+1}{2}", "(x + 1)/2"),
    (r"\frac{-1}{2}", r"\frac{(-1)}{2}"),
    (r"3\frac{1}{2}", "3 1/2"),
    ("2*x + 1", "2x+1"),
    (r"2\cdot x + 1", "2 × x + 1"),
    (r"2(x+1)", r"2 \cdot (x + 1)"),
    (r"\sqrt{2}", "√2"),
    (r"\sqrt2", "sqrt(2)"),
    (r"\sqrt{12}", "√12"),
    (r"\sqrt[3]{5}", r"\sqrt[3]5"),
    ("x^{2}", "x²"),
    ("x**2", "x^2"),
    ("x^{10}", "x^10"),
    ("x^-1", "x^{-1}"),
    ("x^{n+1}", "x^(n+1)"),
    (r"2\pi", "2*π"),
    (r"\left( 0, 1 \right]", "(0,1]"),
    (r"(-\infty, 2]", "(-∞, 2]"),
    (r"(-\infty, 2]", "(-infinity, 2]"),
    (r"[0,1] \cup [2,3]", "[0, 1] ∪ [2, 3]"),
    (r"x \in [0,1]", "[0, 1]"),
    (r"\{1, 2\}", "{1,2}"),
    ("x = 5", "5"),
    ("f(x) = x^2", "x^2"),
    ("x = 2 + 3 = 5", "5"),
    ("x = 1 or x = 2", "1, 2"),
    (r"x=1 \text{ or } x=2", "x = 1, x = 2"),
    (r"10\text{ cm}", "10"),
    (r"10\text{ cm}^2", "10"),
    ("12 square meters", "12"),
    ("1,000", "1000"),
    (r"1{,}000", "1000"),
    (r"10\,000", "10000"),
    (r"90^\circ", "90°"),
    (r"50\%", "50"),
    (r"\$5.00", "5"),
    (".5", "0.50"),
    (r"\boxed{5}", "5"),
    (r"$\frac{1}{2}$.", r"\(\frac{1}{2}\)"),
    (r"\text{Even}", "even"),
    (r"\mathrm{e}^{x}", "e^x"),
    ("−5", "-5"),
    (r"a \le b", "a ≤ b"),
    ("2^{10} = 1024", "1024"),
    ("5 + 3 = 8", "8"),
    (r"\text{(A)}", "A"),
    (r"12\pi square units", r"12\pi"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
]

OTHERS = [
    ("1/2", "0.5"),
    ("1/2", "2/4"),
    ("x+1", "1+x"),
    ("31/2", "3 1/2"),
    (r"\frac{1}{2}3", r"\frac{1}{23}"),
    (r"\frac{1}{2x}", r"\frac{1}{2}x"),
    ("(0, 1)", "[0, 1)"),
    ("(0, 1)", "{0, 1}"),
    ("12", "1 2"),
    ("12", "1, 2"),
    ("1,000,0", "10000"),
    ("-5", "5"),
    ("2^10", "210"),
    ("x^2", "x_2"),
    ("2*3", "23"),
    ("2x", "x2"),
    ("a", "A"),
    ("3.14", "314"),
    (r"\sqrt{12}", r"\sqrt{1}2"),
    ("x = 5 or x = 3", "3"),
    ("x < 5", "x = 5"),
    ("x^2 + y^2 = 4", "4"),
    ("5 or 3", "5"),
]


@pytest.mark.parametrize(("a", "b"), ONE)
def test_two_spellings_of_one_expression(a: str, b: str) -> None:
    assert normalize(a) == normalize(b)
    assert Expression().score(strip_latex(a), b)


@pytest.mark.parametrize(("a", "b"), OTHERS)
def test_two_expressions(a: str, b: str) -> None:
    assert normalize(a) != normalize(b)
    assert not Expression().same(a, b)


@pytest.mark.parametrize("text", [*(a for a, _ in ONE), *(b for _, b in ONE)])
def test_normalization_is_idempotent(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


@settings(deadline=None, max_examples=300)
@given(NASTY | st.text(st.sampled_from(r"\{}()^_[]$fracsqt12x=,./* "), max_size=80))
def test_any_text_has_a_key(text: str) -> None:
    assert isinstance(normalize(text), str)
    assert strip_latex(strip_latex(text)) == strip_latex(text)


@pytest.mark.parametrize(
    "piece", ["{", "}", "\\frac", "\\frac{", "\\sqrt[", "^", "^{", "(", "((", "\\text{", ",1", "x=", "√("]
)
def test_the_time_is_linear_in_the_length(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    begun = time.process_time()
    normalize(text)
    assert time.process_time() - begun < 20
