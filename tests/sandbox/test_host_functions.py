"""Programs call functions of ours: in every tier, with plain data, while their clock stands still."""

import asyncio
import contextvars
import time

import pytest

from reasoning.errors import UsageError
from reasoning.sandbox.execution import ResourceLimits
from reasoning.sandbox.interpreter import Interpreter

TIERS = {"interpreter": "", "process": "import heapq\n"}


@pytest.fixture(scope="module")
def interpreter():
    with Interpreter(limits=ResourceLimits(seconds=1, memory_mb=64), workers=2) as interpreter:
        yield interpreter


@pytest.fixture(scope="module")
def monty():
    with Interpreter("interpreter", limits=ResourceLimits(seconds=1, memory_mb=64), workers=2) as interpreter:
        yield interpreter


@pytest.fixture(params=TIERS)
def run(request, interpreter, monty):
    chosen = monty if request.param == "interpreter" else interpreter

    def run(code, functions=None, **options):
        ran = chosen.run(TIERS[request.param] + code, functions=functions, **options)
        assert ran.tier == request.param
        return ran

    return run


def test_a_function_is_called_with_data_and_returns_data(run):
    seen = []

    def f(*args, **kwargs):
        seen.append((args, kwargs))
        return {"a": [1, (2.5, None)], 3: "vier"}

    ran = run("x = f(1, 'two', [3, (4,)], key={'k': {5}})\nans = x['a'][1][0], x[3]", {"f": f}, result="ans")
    assert (ran.value, ran.error) == ([2.5, "vier"], None)
    assert seen == [((1, "two", [3, [4]]), {"key": {"k": [5]}})]


def test_unknown_functions_go_to_one_function(run):
    asked = []

    def unknown(name, *args):
        asked.append((name, *args))
        return name == "is_fruit"

    code = "def known(x): return x\nans = [w for w in ['apple', known('nail')] if is_fruit(w) or is_tool(w)]"
    assert run(code, on_undefined=unknown, result="ans").value == ["apple", "nail"]
    assert asked == [("is_fruit", "apple"), ("is_fruit", "nail")]


def test_functions_take_precedence_over_unknown_ones(run):
    ran = run("f(1) + g(1)", {"f": lambda n: n + 1}, on_undefined=lambda name, n: 10)
    assert ran.value == 12


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("f()", "missing a required argument: 'n'"),
        ("f(1, 2)", "too many positional arguments"),
        ("f(lambda: 1)", "is not plain data"),
        ("f('a' * 30000)", "longer than 20000 characters"),
        ("f(float('nan'))", "not a finite number"),
        ("g(1)", "name 'g' is not defined"),
        ("for n in range(1000): f(n)", "more than 200 calls"),
    ],
)
def test_what_is_called_wrongly_is_the_program_s_fault(run, code, words):
    ran = run(code, {"f": lambda n: n})
    assert words in ran.error
    assert ran.value is None


def test_the_program_may_catch_its_fault(run):
    assert run("try:\n    f()\nexcept TypeError:\n    x = 5\nx", {"f": lambda n: n}).value == 5


@pytest.mark.parametrize(
    "error", [RuntimeError("the budget is used up"), KeyboardInterrupt(), asyncio.CancelledError()]
)
@pytest.mark.parametrize("code", ["f()", "while True:\n    try:\n        f()\n    except BaseException:\n        pass"])
def test_what_a_function_raises_ends_the_program_and_is_raised(run, code, error):
    calls = []

    def f():
        calls.append(1)
        raise error

    with pytest.raises(type(error)) as raised:
        run(code, {"f": f})
    assert raised.value is error
    assert len(calls) == 1


def test_what_a_function_returns_must_be_plain_data(run):
    with pytest.raises(UsageError, match="return value of the function f must be plain data, got <object"):
        run("f()", {"f": object})
    with pytest.raises(UsageError, match="must be shorter than 20000 characters"):
        run("f()", {"f": lambda: "a" * 20_000})
    with pytest.raises(UsageError, match="got 'f g'"):
        run("1", {"f g": object})


def test_arguments_with_shared_parts_are_not_copied_out(run):
    started = time.perf_counter()
    ran = run("l = [0] * 10\nfor _ in range(30): l = [l] * 10\nf(l)", {"f": lambda n: n})
    assert ran.error is not None
    assert time.perf_counter() - started < 20


def test_the_program_s_clock_stands_still(run):
    def slow():
        time.sleep(0.7)
        return 1

    ran = run("slow() + slow()", {"slow": slow})
    assert (ran.value, ran.error) == (2, None)
    assert run("slow()\nwhile True: pass", {"slow": slow}).error == "timed out after 1 s"


def test_a_coroutine_function_needs_arun(run):
    async def f():
        return 1

    with pytest.raises(UsageError, match="the function f is asynchronous: use arun"):
        run("f()", {"f": f})


VOICE = contextvars.ContextVar("voice", default="none")


@pytest.mark.parametrize("needs", TIERS.values(), ids=TIERS)
def test_coroutines_run_side_by_side_on_the_caller_s_loop(interpreter, needs):
    loops, waiting = set(), []
    enough = asyncio.Event()

    async def model(question):
        loops.add(asyncio.get_running_loop())
        waiting.append(question)
        if len(waiting) >= 8:  # more than there are workers
            enough.set()
        await asyncio.wait_for(enough.wait(), 60)
        return f"{VOICE.get()} {question}"

    async def all_at_once():
        VOICE.set("calm")
        programs = [interpreter.arun(f"{needs}model({n})", functions={"model": model}) for n in range(40)]
        return await asyncio.gather(*programs), asyncio.get_running_loop()

    runs, loop = asyncio.run(all_at_once())
    assert [run.value for run in runs] == [f"calm {n}" for n in range(40)]
    assert loops == {loop}


@pytest.mark.parametrize("needs", TIERS.values(), ids=TIERS)
def test_cancelling_ends_a_program_that_waits(interpreter, needs):
    ended, begun = [], asyncio.Event()

    async def model():
        begun.set()
        try:
            await asyncio.sleep(600)
        finally:
            ended.append(1)

    async def cancel():
        task = asyncio.create_task(interpreter.arun(f"{needs}model()", functions={"model": model}))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert ended == [1]
    assert interpreter.run(f"{needs}1").value == 1


def test_what_was_answered_is_not_asked_again_in_another_tier(interpreter):
    asked = []

    def f(n):
        asked.append(n)
        return n * 10

    ran = interpreter.run("x = f(1) + f(2)\nif x == 30:\n    import heapq\nx + f(3)", functions={"f": f})
    assert (ran.value, ran.tier) == (60, "process")
    assert asked == [1, 2, 3]
