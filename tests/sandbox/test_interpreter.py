"""Programs run fast, hand back data, and can do no harm."""

import asyncio
import math
import os
import subprocess
import sys
import time

import pytest

from reasoning.errors import UsageError
from reasoning.sandbox.execution import ResourceLimits, ResultSource
from reasoning.sandbox.interpreter import Interpreter


@pytest.fixture(scope="module")
def interpreter():
    with Interpreter(limits=ResourceLimits(seconds=1, memory_mb=64)) as interpreter:
        yield interpreter


def test_a_named_variable_is_read(interpreter):
    run = interpreter.run("eggs = 16 - 3 - 4\nans = eggs * 2\n", result="ans")
    assert (run.value, run.error, run.stdout, run.tier) == (18, None, "", "interpreter")
    assert run.seconds > 0


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("ans = 0", 0),
        ("ans = False", False),
        ("ans = ''", ""),
        ("ans = []", []),
        ("ans = 0.1 + 0.2", 0.1 + 0.2),
        ("ans = -7 // 2", -4),
        ("ans = 2 ** 200", 2**200),
        ("import math\nans = math.comb(5, 2) + math.ceil(2.1)", 13),
        ("name = 'Zoë'\nans = f'{name}: {1234.5:,.2f} → {3!r}'", "Zoë: 1,234.50 → 3"),
        ("def area(w, h=2):\n    return w * h\nans = [area(n) for n in range(3)]", [0, 2, 4]),
        ("class Shop:\n    def __init__(self, price):\n        self.price = price\nans = Shop(4).price * 3", 12),
        ("ans = {'a': (1, 2), 3: {4}, (5, 6): None}", {"a": [1, 2], 3: [4], "(5, 6)": None}),
        ("from decimal import Decimal\nans = Decimal('2.50') * 3", 7.5),
        ("import datetime\nans = datetime.date(2024, 2, 28) + datetime.timedelta(days=2)", "2024-03-01"),
        ("ans = None", None),
        ("ans = '''it\\'s \"so\"\\n\\\\d'''", 'it\'s "so"\n\\d'),
        ("ans = 3  # three", 3),
        ("ans = 1\r\nans += 1\r", 2),
    ],
)
def test_values_are_plain_data(interpreter, code, value):
    run = interpreter.run(code, result="ans")
    assert (run.value, run.error) == (value, None)
    assert type(run.value) is type(value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ans = float('nan')", "not a finite number: nan"),
        ("ans = [1, -1e400]", "not a finite number: -inf"),
        ("ans = 9 ** 99999", "more than 4300 digits"),
        ("ans = 'a' * 10**6", "longer than 20000 characters"),
        ("ans = list(range(10**5))", "longer than 20000 characters"),
        ("def ans(): pass", "not plain data: <function 'ans'"),
        ("ans = []\nans.append(ans)", "not plain data"),
        ("ans = 1j", "not plain data: 1j"),
        ("class A:\n    def __repr__(self):\n        return '__import__(\"os\")'\nans = A()", "not plain data"),
    ],
)
def test_a_result_that_is_not_data_is_an_error(interpreter, code, words):
    run = interpreter.run(code, result="ans")
    assert run.value is None
    assert words in run.error


def test_shared_references_are_not_copied_out(interpreter):
    started = time.perf_counter()
    run = interpreter.run("l = [0] * 10\nfor _ in range(30): l = [l] * 10\nl")  # 10³¹ zeros, were it written out
    # Whichever limit is reached first.
    limits = (
        "out of memory: it needs more than 64 MB",
        "timed out after 1 s",
        "the result is longer than 20000 characters",
    )
    assert run.error in limits
    assert time.perf_counter() - started < 30


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("while True: pass", "timed out after 1 s"),
        ("sum(range(10**12))", "timed out after 1 s"),
        ("while True: print('x' * 1000)", "timed out after 1 s"),
        ("x = 'a' * 10**10", "out of memory: it needs more than 64 MB"),
        ("x = 9**9**9", "out of memory: it needs more than 64 MB"),
        ("x = [0]\nwhile True: x += x", "out of memory: it needs more than 64 MB"),
        ("def f(n): return f(n + 1)\nf(0)", "RecursionError: more than 1000 calls deep"),
        ("x = 1\ny = = 3", "SyntaxError: Expected an expression (line 2)"),
        ("x = (1 +", "SyntaxError: the program ends in the middle of a statement"),
        ("x = 5 + \\", "SyntaxError: the program ends in the middle of a statement"),
        ("x = 1\n\nx / 0", "ZeroDivisionError: division by zero (line 3)"),
        ("raise ValueError('two\\nlines\\x00')", "ValueError: two lines (line 1)"),
        ("def f():\n    return 1 + 'a'\nf()", "TypeError: unsupported operand type(s) for +: 'int' and 'str' (line 2)"),
        ("open('/etc/passwd')", "PermissionError: Permission denied: '/etc/passwd' (line 1)"),
        ("open('/tmp/x', 'w').write('x')", "PermissionError: Permission denied: '/tmp/x' (line 1)"),
        ("import os\nos.listdir('/')", "PermissionError: Permission denied: '/' (line 2)"),
        ("import os\nos.environ['HOME']", "ImportError: programs may not import os (line 1)"),
        ("import os\nos.system('true')", "AttributeError: module 'os' has no attribute 'system' (line 2)"),
        ("x = 1\nimport socket", "ImportError: programs may not import socket (line 2)"),
        ("import numpy.linalg, subprocess", "ImportError: programs may not import subprocess (line 1)"),
        ("#" * 200_001, "the program is longer than 200000 characters"),
        ("().__class__.__bases__", "AttributeError: 'tuple' object has no attribute '__class__' (line 1)"),
        ("x\ud800 = 1\0", "SyntaxError: Got unexpected token ? (line 1)"),
    ],
)
def test_a_bad_program_is_one_line_of_error(interpreter, code, error):
    started = time.perf_counter()
    run = interpreter.run(code)
    assert run.error == error
    assert run.value is None
    assert time.perf_counter() - started < interpreter.limits.seconds + 20
    assert interpreter.run("6 * 7").value == 42  # the next program is unaffected


def test_sleep_does_not_wait(interpreter):
    run = interpreter.run("import time\ntime.sleep(1000)\n5")
    assert run.value == 5
    assert run.seconds < 60


def test_random_programs_are_repeatable(interpreter):
    code = "import random\n[random.randint(1, 10**9) for _ in range(3)]"
    assert interpreter.run(code).value == interpreter.run(code).value


def test_no_state_passes_from_one_program_to_the_next():
    with Interpreter(workers=1) as interpreter:
        interpreter.run("import math\nsecret = 1\nmath.pi = 3\nstr = None\nprint = None")
        assert interpreter.run("secret", result="secret").error == "NameError: name 'secret' is not defined (line 1)"
        assert interpreter.run("import math\nprint(str(math.pi))").value == math.pi


def test_output_is_capped_and_keeps_its_end(interpreter):
    run = interpreter.run("for i in range(30000): print('line', i)")
    assert len(run.stdout) < 20_000 + 1_100
    assert run.stdout.startswith("line 0\nline 1\n")
    assert "characters left out" in run.stdout
    assert run.value == "line 29999"


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("x = 2\nx + 1", 3),
        ("x = 2; x + 1;  # é", 3),
        ("(1 +\n 2)", 3),
        ("é = 2; é * 2", 4),
        ("print(7)\n5", 5),
        ("print('Total: 5')", "Total: 5"),
        ("print(1)\nprint(2.5)\nprint()", 2.5),
        ("print('1,200')", "1,200"),
        ("print('nan')", "nan"),
        ("x = 2", None),
        ("", None),
    ],
)
def test_without_a_name_the_last_expression_counts_else_what_was_printed(interpreter, code, value):
    run = interpreter.run(code)
    assert (run.value, run.error) == (value, None)


ORDER = ("ans", "solver()", ResultSource.PRINTED, ResultSource.ASSIGNED)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("total = 3\nans = 4\nprint(5)", 4),
        ("def solver():\n    x = 2\n    return x * 3", 6),
        ("total = 3\nprint('It is', 5)", "It is 5"),
        ("first = 3\ntotal = first * 2", 6),
        ("total = 0\nn = 5\nfor i in range(n):\n    total += i", 10),
        ("ans = print(8)", 8),
    ],
)
def test_places_are_tried_in_the_order_that_the_technique_says(interpreter, code, value):
    run = interpreter.run(code, result=ORDER)
    assert (run.value, run.error) == (value, None)


def test_nothing_is_guessed_when_only_a_name_is_asked_for(interpreter):
    run = interpreter.run("total = 3\nprint(total)", result="ans")
    assert (run.value, run.error, run.stdout) == (None, "NameError: the program does not set ans", "3\n")


def test_a_name_missing_inside_the_program_is_its_own_error(interpreter):
    assert interpreter.run("print(ans)", result="ans").error == "NameError: name 'ans' is not defined (line 1)"
    code = "def solver():\n    return rate * 2"
    assert interpreter.run(code, result=ORDER).error == "NameError: name 'rate' is not defined (line 2)"


def test_a_call_that_never_ends_times_out(interpreter):
    run = interpreter.run("def solver():\n    while True: pass", result="solver()")
    assert run.error == "timed out after 1 s"
    assert run.seconds < 30


def test_inputs_are_set_when_the_program_starts(interpreter):
    run = interpreter.run("rows.append(4)\nsum(rows) + extra", inputs={"rows": [1, 2], "extra": 0.5})
    assert run.value == 7.5
    run = interpreter.run("n += 1", inputs={"n": 1}, result=("missing", "n"))  # not set again for the second reading
    assert run.value == 2


def test_what_the_caller_gets_wrong_is_raised(interpreter):
    with pytest.raises(UsageError, match="inputs of a program must be plain data"):
        interpreter.run("x", inputs={"x": object()})
    with pytest.raises(UsageError, match="a variable such as 'ans'"):
        interpreter.run("x", result="x; y")
    with pytest.raises(UsageError, match="seconds must be above 0"):
        ResourceLimits(seconds=0)


def test_limits_of_one_run_replace_the_interpreter_s(interpreter):
    run = interpreter.run("while True: pass", limits=ResourceLimits(seconds=0.1))
    assert run.error == "timed out after 0.1 s"


def test_64_at_once(interpreter):
    async def all_at_once():
        return await asyncio.gather(
            *[interpreter.arun(f"ans = {n}\nfor i in range(100): ans += i", result="ans") for n in range(64)]
        )

    for _ in range(2):  # on any loop
        assert [run.value for run in asyncio.run(all_at_once())] == [n + 4950 for n in range(64)]


def test_a_cancelled_program_ends_at_once():
    async def cancel(interpreter):
        task = asyncio.create_task(interpreter.arun("while True: pass"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await interpreter.arun("1 + 1")

    with Interpreter(limits=ResourceLimits(seconds=30), workers=1) as interpreter:
        started = time.perf_counter()
        assert asyncio.run(cancel(interpreter)).value == 2
        assert time.perf_counter() - started < 25  # before its limit


def test_closing_ends_the_workers_and_a_later_run_starts_new_ones():
    interpreter = Interpreter()
    assert interpreter.run("1").value == 1
    interpreter.close()
    interpreter.close()
    assert interpreter.run("2").value == 2
    interpreter.close()


@pytest.mark.skipif(sys.platform == "win32", reason="counts processes with /proc")
def test_a_process_that_never_closed_it_ends_silently_and_leaves_nothing():
    code = (
        "import asyncio\nfrom reasoning.sandbox.interpreter import Interpreter\n"
        "it = Interpreter()\n"
        "async def many(): await asyncio.gather(*[it.arun('1') for _ in range(20)])\n"
        "asyncio.run(many())\n"
        "assert it.run('import heapq\\n1').value in (1, None)\n"
        "from pathlib import Path\n"
        "print(Path('/proc/thread-self/children').read_text())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not [pid for pid in done.stdout.split() if os.path.exists(f"/proc/{pid}")]
