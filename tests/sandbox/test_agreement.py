"""A program has the value that CPython gives it, whichever tier runs it."""

# ruff: noqa: E501 - programs in one line each

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from reasoning.errors import ReasoningError
from reasoning.sandbox import fork_server
from reasoning.sandbox.cancellation import CancelToken
from reasoning.sandbox.execution import ExecutionResult, ResourceLimits
from reasoning.sandbox.fork_server import SandboxStatus
from reasoning.sandbox.interpreter import Interpreter
from reasoning.sandbox.monty_differences import find_difference
from tests.sandbox.ordinary_programs import ordinary_programs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the locks are Linux's")


@pytest.fixture(scope="module")
def interpreter():
    with Interpreter(limits=ResourceLimits(seconds=10)) as interpreter:
        interpreter.check()
        yield interpreter


def run_all(interpreter: Interpreter, programs: Sequence[str]) -> list[ExecutionResult]:
    async def gather() -> list[ExecutionResult]:
        return await asyncio.gather(*[interpreter.arun(program, result="ans") for program in programs])

    return asyncio.run(gather())


def outcome(run: ExecutionResult) -> tuple[str, str | None, str | None]:
    """Return the value, the type of the error with its line, and what was printed until then."""
    if run.error is None:
        return repr(run.value), None, run.stdout
    line = re.search(r" \(line \d+\)$", run.error)
    words = run.error[: line.start()] if line else run.error
    return repr(run.value), words.partition(":")[0] + (line[0] if line else ""), None


def differences(interpreter: Interpreter, programs: Sequence[str]) -> tuple[list[str], float]:
    """Return the programs whose outcome differs, with both, and the share that ran in the first tier."""
    chosen = run_all(interpreter, programs)
    jobs = [interpreter._make_job(program, None, None, None, "ans", None, CancelToken()) for program in programs]
    with ThreadPoolExecutor(2) as threads:
        in_cpython = list(threads.map(interpreter._run_second, jobs))
    found = [
        f"{program}\n→ {ours}\nCPython → {theirs}"
        for program, ours, theirs in zip(programs, chosen, in_cpython, strict=True)
        if outcome(ours) != outcome(theirs)
    ]
    return found, sum(run.tier == "interpreter" for run in chosen) / len(programs)


def test_ordinary_programs_agree(interpreter):
    check(interpreter, ordinary_programs(200))


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
def test_2000_ordinary_programs_agree(interpreter):
    check(interpreter, ordinary_programs(2000, seed=1))


def check(interpreter, programs):
    found, share = differences(interpreter, programs)
    assert not found, f"{len(found)} of {len(programs)} differ:\n\n" + "\n\n".join(found[:5])
    assert 0.2 < share < 0.7  # both tiers are tried


CLASS = "class A:\n    def __init__(self, n): self.n = n\n    def __repr__(self): return f'A({self.n})'\n"
KNOWN = {
    "halves": "ans = [round(2.675, 2), round(1.005, 2), round(691.15, 1), round(5.961688796758103e16, -1)]",
    "other roundings": "ans = [round(2.5), round(0.125, 2), round(15, -1), round(7.5, 0), round(2.675, ndigits=2)]",
    "rounding as a value": "ans = list(map(round, [1.5, 2.5, -0.5])) + [round(n, 1) for n in [0.25, 0.35]]",
    "rounding what cannot be rounded": "x = 1\nround('a', 2)",
    "a function in re.sub": "import re\nans = re.sub('[0-9]+', lambda m: str(int(m.group()) * 2), 'a1b22')",
    "empty matches": "import re\nans = [re.findall('x*', 'x\\ny\\n'), re.sub('$', '_', 'x\\n'), re.split('$', 'x\\ny\\n')]",
    "a modular inverse": "ans = pow(3, -1, 11)",
    "methods of types": "ans = sorted(['b', 'A'], key=str.lower) + list(map(str.upper, ['c'])) + [str.join(',', 'de')]",
    "integers from bytes": "ans = int.from_bytes(b'\\x01\\x02', 'big')",
    "tables of letters": "ans = 'abc'.translate(str.maketrans('a', 'b'))",
    "objects in order": CLASS + "    def __lt__(self, other): return self.n < other.n\nans = str(sorted([A(2), A(1)]))",
    "an object's truth": CLASS
    + "    def __bool__(self): return self.n > 0\nans = [1 if A(0) else 2, not A(1), A(0) or 5]",
    "an object's length": CLASS + "    def __len__(self): return self.n\nans = [len(A(2)), bool(A(0))]",
    "an object in a text": CLASS + "    def __format__(self, spec): return 'f' + spec\nans = f'{A(1)} {A(1):x}'",
    "an object that is a number": "class A:\n    def __repr__(self): return '5'\nans = A()",
    "an iterator read twice": "z = zip([1, 2], [3, 4])\nans = [list(z), list(z)]",
    "an iterator begun": "z = enumerate('abc')\nfor pair in z: break\nans = list(z)",
    "a generator that is late": "n = 2\ng = (v * n for v in [1])\nn = 5\nans = list(g)",
    "an iterator's length": "ans = len(zip([1], [2]))",
    "an iterator in a condition": "ans = 5 if filter(None, []) else 6",
    "a list that grows": "x = [1, 2, 3]\nfor i, v in enumerate(x):\n    if len(x) < 6: x.append(v * 2)\nans = x",
    "a list that changes": "x = [1, 2, 3]\nfor i, v in enumerate(x):\n    if i < 2: x[i + 1] = v * 2\nans = x",
    "a list that a function changes": "def f(l): l.append(0)\nx = [1]\nfor i, v in enumerate(x):\n    if i < 3: f(x)\nans = x",
    "work in between": "r = []\nfor v in map(lambda v: r.append(v) or v, [1, 2]): r.append('b')\nans = r",
    "an early end": "r = []\ndef f(v):\n    r.append(v)\n    return v > 1\nans = [any(f(v) for v in [1, 2, 3]), r]",
    "no end": "import itertools\nans = next(n for n in itertools.count(1) if n % 7 == 0)",
    "the result of the last line": "ans = reversed([1, 2])",
    "the order of numbers in a set": "ans = list({3, 1, 2}) + [str({5, 4}), {9, 8}]",
    "the order of texts in a set": "ans = [w for w in set('hello world'.split())] + list(frozenset('abc'))",
    "keys as a set": "ans = list({'b': 1, 'a': 2}.keys() & {'a': 0, 'b': 0}.keys())",
    "an exception's words": "try:\n    max([])\nexcept ValueError as error:\n    ans = str(error)",
    "an error that is hidden": "try:\n    ans = pow(3, -1, 11)\nexcept ValueError:\n    ans = None",
    "an attribute that is looked for": "ans = hasattr('a', 'format_map')",
    "last digits": "import math\nans = [math.cbrt(406.0), math.gamma(4.5), math.lgamma(246.0), math.erf(0.3), math.atanh(-0.1385)]",
    "sums": "ans = sum([0.1] * 10)",
    "hashes": "ans = hash((1, 2)) == hash((1, 2)) and hash(2 ** 61)",
    "keys that are tuples": "ans = {(1, 'a'): 2, ('b', (0.5,)): [3]}",
    "a counter": "from collections import Counter\nans = Counter('abracadabra')",
    "a named tuple": "from collections import namedtuple\nans = namedtuple('P', 'x y')(1, 2)",
    "a default dict": "from collections import defaultdict\nans = defaultdict(list)\nans['a'].append(1)",
    "a generator function": "def f():\n    yield 1\nans = list(f())",
    "an operation of dates": "from datetime import timedelta\nans = timedelta(days=2) * 1.5",
    "its own ModuleNotFoundError": "raise ModuleNotFoundError(\"No module named 'x'\")",
    "a deep recursion": "def f(n): return 0 if n == 0 else 1 + f(n - 1)\nans = f(900)",
    "too deep a recursion": "def f(n): return f(n + 1)\nf(0)",
    "memory of a generator": "ans = sum(n for n in range(3_000_000))",
}


@pytest.mark.parametrize("program", KNOWN.values(), ids=KNOWN)
def test_what_is_known_to_differ_agrees(interpreter, program):
    found, _ = differences(interpreter, [program])
    assert not found, found[0]


@pytest.mark.parametrize(
    "program",
    [
        "ans = round(2.675, 2)",
        "x = [1, 2]\ny = [3, 4]\nans = [a * b for a, b in zip(x, y)]",
        "x = [1, 2]\ntotal = 0\nfor i, n in enumerate(x):\n    total += i * n\nans = total",
        "ans = max(map(int, '3 1 2'.split()))",
        "a, b = map(int, '3 4'.split())\nans = a * b",
        "ans = ', '.join(str(n) for n in range(3)) + ''.join(reversed('abc'))",
        "ans = dict(zip('ab', map(float, ['1', '2'])))",
        "print(*map(str, [1, 2]))\nans = sorted({'b': 1, 'a': 2}.items(), key=lambda pair: pair[1])",
        "def f(n):\n    if n is None: return 0\n    return n + 1\nans = list(map(f, [1, 2]))",
        "from datetime import date\nans = (date(2024, 3, 1) - date(2024, 2, 1)).days",
    ],
)
def test_what_agrees_stays_in_the_first_tier(interpreter, program):
    assert find_difference(program) is None
    assert interpreter.run(program, result="ans").tier == "interpreter"


def test_without_a_second_tier_only_what_is_wrong_is_refused():
    with Interpreter("interpreter") as interpreter:
        twice = interpreter.run("z = zip([1], [2])\nans = [list(z), list(z)]", result="ans")
        assert twice.error == "Monty cannot run this: zip that is kept"
        once = interpreter.run("z = zip([1], [2])\nans = list(z)", result="ans")
        assert once.value == [[1, 2]]
        ordered = interpreter.run(
            "ans = sorted({3, 1})\ntry:\n    x = 1 / 0\nexcept ZeroDivisionError: pass", result="ans"
        )
        assert (ordered.value, ordered.tier) == ([1, 3], "interpreter")
        lacks = interpreter.run("ans = sorted(['b', 'A'], key=str.lower)", result="ans")
        assert lacks.error is not None
        assert lacks.error.startswith("Monty cannot run this: ")


@pytest.mark.parametrize("start", ["raise SystemExit(1)", "import os; os._exit(0)"])
def test_where_the_second_tier_cannot_start_the_first_one_runs_what_it_can(monkeypatch, start):
    monkeypatch.setattr(fork_server, "_START", start)
    with Interpreter() as interpreter:
        assert interpreter.run("ans = sorted({3, 1})", result="ans").value == [1, 3]
        assert interpreter.run("x = {}\nx['a']", result="ans").error == "KeyError: a (line 2)"
        with pytest.raises(ReasoningError, match="could not be started"):
            interpreter.run("import heapq")


def test_where_the_second_tier_is_not_locked_the_first_one_runs_what_it_can(monkeypatch):
    with Interpreter() as interpreter:
        interpreter.check()
        monkeypatch.setattr(interpreter._second_tier._zygote, "status", SandboxStatus({}, ["files"], []))
        assert interpreter.run("ans = sorted({3, 1})", result="ans").value == [1, 3]
        assert interpreter.run("x = {}\nx['a']", result="ans").error == "KeyError: a (line 2)"
        twice = interpreter.run("z = zip([1], [2])\nans = [list(z), list(z)]", result="ans").error
        assert twice.startswith("Monty cannot run this: zip that is kept; this machine does not enforce")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("x = 1\n'a' + 1", 'TypeError: can only concatenate str (not "int") to str (line 2)'),
        ("x = {}\nx['a']", "KeyError: a (line 2)"),
        ("x = [1]\nx[3]", "IndexError: list index out of range (line 2)"),
        ("int('x')", "ValueError: invalid literal for int() with base 10: 'x' (line 1)"),
        ("assert 1 == 2", "AssertionError: assert 1 == 2 (line 1)"),
        ("import math\nmath.sqrt(-1)", "ValueError: expected a nonnegative input, got -1.0 (line 2)"),
        ("ans = namedtuple", "NameError: name 'namedtuple' is not defined (line 1)"),
    ],
)
def test_the_words_of_an_error_on_which_both_agree_are_the_first_tier_s(interpreter, code, error):
    """Repair prompts contain them, and recorded replies depend on prompts."""
    run = interpreter.run(code, result="ans")
    assert (run.error, run.tier) == (error, "interpreter")
