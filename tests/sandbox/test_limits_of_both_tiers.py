"""A program that is run again in the second tier has the limits of one program, and repeats no call."""

import time

import pytest

from reasoning.sandbox.execution import ResourceLimits, ResultSource
from reasoning.sandbox.interpreter import Interpreter

BUSY = "import time\nt = time.time()\nwhile time.time() - t < {seconds}: pass\n"
RAISES = "raise ModuleNotFoundError(\"No module named 'x'\")"
LACKS = "import time, math\nsorted(['a'], key=str.lower)\n"


@pytest.fixture(scope="module")
def interpreter():
    with Interpreter(limits=ResourceLimits(seconds=1, memory_mb=64)) as interpreter:
        interpreter.check()  # starts the second tier
        yield interpreter


@pytest.mark.parametrize("last", [RAISES, "raise ValueError", "'a' + 1", LACKS, "import statistics", "assert 1 == 2"])
def test_the_time_is_the_program_s(interpreter, last):
    started = time.perf_counter()
    run = interpreter.run(BUSY.format(seconds=0.8) + last)
    assert run.error is not None
    assert run.error.startswith(("timed out after 1 s", "ValueError", "TypeError", "AssertionError"))
    assert 0.8 < run.seconds < 1.4
    assert time.perf_counter() - started < 5  # one second, and what a busy machine adds


def test_an_error_at_the_end_of_the_time_is_still_said(interpreter):
    run = interpreter.run(BUSY.format(seconds=0.8) + "raise ValueError('no')")
    assert (run.error, run.tier) == ("ValueError: no (line 4)", "interpreter")


def test_the_second_tier_has_what_is_left(interpreter):
    run = interpreter.run(BUSY.format(seconds=0.3) + "import statistics\nstatistics.mean([1, 3])")
    assert (run.value, run.tier) == (2, "process")
    assert run.seconds > 0.55  # 0.3 in each tier, whose clocks differ a little


def test_the_time_is_that_of_all_places_together(interpreter):
    busy = "import time\ndef busy():\n    t = time.time()\n    while time.time() - t < 0.7: pass\n"
    code = f"{busy}busy()\ndef solver():\n    busy()\n    return 1\n"
    for needs in ("", "import heapq\n"):
        run = interpreter.run(needs + code, result=("ans", "solver()", ResultSource.PRINTED))
        assert run.error == "timed out after 1 s"
        assert run.seconds < 1.6


def test_a_host_function_s_time_is_not_counted_in_either(interpreter):
    code = f"wait()\n{LACKS}wait()\nimport statistics\nwait()\ndef solver():\n    return wait() + 1"

    def wait():
        time.sleep(0.5)
        return 1

    run = interpreter.run(code, functions={"wait": wait}, result=("ans", "solver()"))
    assert (run.value, run.error, run.tier) == (2, None, "process")
    assert run.seconds > 2


FAILS = {
    "it raises": RAISES,
    "an import": "import statistics\nstatistics.mean([len(made)])",
    "a method": "sorted(['a'], key=str.lower)",
    "a type": "'a' + 1",
}


@pytest.mark.parametrize("last", FAILS.values(), ids=FAILS)
@pytest.mark.parametrize("argument", ["i", "time.time()", "random.random()", "'same'"])
def test_calls_are_the_program_s(interpreter, argument, last):
    """Also of a program that gives its functions something else each time."""
    calls = []

    def f(n):
        calls.append(n)
        return len(calls)

    code = (
        f"import random, time\nmade = []\ntry_ = 0\nfor i in range(300):\n    f({argument}) if i < 150 else 0\n{last}"
    )
    run = interpreter.run(code, functions={"f": f}, limits=ResourceLimits(seconds=5))
    assert len(calls) <= 200
    if argument != "time.time()":
        assert len(calls) == 150  # each is made once
    elif "sorted" in last:
        assert run.error == "TypeError: more than 200 calls of functions (line 5)"


def test_too_many_calls_are_refused_in_both_together(interpreter):
    calls = []
    code = f"i = 0\nwhile True:\n    f(i)\n    i += 1\n    if i == 190: {LACKS.splitlines()[1]}"
    run = interpreter.run(code, functions={"f": calls.append})
    assert (run.error, calls) == ("TypeError: more than 200 calls of functions (line 3)", list(range(200)))


@pytest.mark.parametrize(
    "code",
    [
        "sorted([3, 1, 2], key=f)",
        "max([3, 1, 2], key=f)",
        "list(map(f, [3, 1, 2]))",
        "list(filter(f, [3, 1, 2]))",
        "any(f(n) > 2 for n in [3, 1, 2])",
        "next(n for n in [3, 1, 2] if f(n))",
        "x = [f(n) for n in [3, 1]]\nsorted(x, key=f)",
        "for n in map(f, [3, 1, 2]):\n    break\nn",
        "for n in (f(n) for n in [3, 1, 2]):\n    if n: break\nn",
        "def g(n): return f(n)\nall(map(g, [0, 1, 2]))",
        "[f(n) for n in {3, 1, 2}][0]",
        "try:\n    sorted([3, 1], key=f)\nexcept Exception:\n    x = 0\nx",
    ],
)
def test_a_host_function_is_called_as_often_as_in_python(interpreter, code):
    """Calls may cost money: Monty computes all items of an iterator, and CPython those that are read."""
    calls, expected = [], []
    run = interpreter.run(code, functions={"f": lambda n: calls.append(n) or n})
    there = interpreter.run(f"import heapq\n{code}", functions={"f": lambda n: expected.append(n) or n})
    assert (run.value, calls) == (there.value, expected)


def test_calls_in_another_order_are_answered_from_memory(interpreter):
    """What Monty and CPython order differently."""
    calls = []
    code = "x = [f(w) for w in list(dict.fromkeys('hello'))]\nd = {1: 2}\nd[True] = 3\nf(str(d))\n'a' + 1"
    run = interpreter.run(code, functions={"f": lambda n: calls.append(n) or n})
    assert run.error.startswith("TypeError")
    assert calls[:4] == ["h", "e", "l", "o"]
    assert len(calls) <= 6
