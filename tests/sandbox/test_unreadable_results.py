"""A result that cannot be read is a program without an answer, in every tier; it never fails the call."""

import pytest

import reasoning
from reasoning import kinds
from reasoning.problem import Problem
from reasoning.sandbox.execution import ExecutionResult, ResourceLimits, ResultSource
from reasoning.sandbox.interpreter import Interpreter
from reasoning.sandbox.literals import parse
from reasoning.testing import ScriptedLLM

HEX = "hex(2 ** 70_000)"
TEXT_CLASS = "class A:\n    def __repr__(self):\n        return {text}\nans = A()\n"
UNREADABLE = {
    "an integer": "ans = 1 << 70_000",
    "an integer inside": "ans = [{'a': (1, 1 << 70_000)}]",
    "a printed integer in hexadecimal": f"print({HEX})",
    "a text that reads as such an integer": TEXT_CLASS.format(text=HEX),
    "a call with such an integer": TEXT_CLASS.format(text=f"'f(' + {HEX} + ')'"),
    "a repr that raises": TEXT_CLASS.format(text="1 / 0"),
    "a repr that is no text": TEXT_CLASS.format(text="3"),
    "a repr that never ends": TEXT_CLASS.format(text="repr(self)"),
    "a repr of several lines": TEXT_CLASS.format(text="'a\\nb'"),
    "a list within itself": "ans = []\nans.append(ans)",
    "nested lists": "ans = []\nfor _ in range(10_000): ans = [ans]",
    "a long list": "ans = [0.1] * 10 ** 6",
    "a list of long texts": "ans = ['a' * 900] * 1000",
    "a long text": "ans = 'a' * 10 ** 6",
    "not a number": "ans = float('nan')",
    "infinity": "ans = [-1e400]",
    "half a character": "ans = '\\ud800'",
    "half a character inside": "ans = {'\\udfff': ['a\\ud800']}",
    "control characters": "ans = '\\x1b[J\\x00\\u202e'",
    "bytes": "ans = b'\\xff'",
    "a class": "class ans: pass",
    "a key that is a list of integers": "ans = {(1 << 70_000,): 1}",
    "nothing": "pass",
}
TIERS = {"interpreter": "", "process": "import heapq\n"}


@pytest.fixture(scope="module")
def interpreter():
    with Interpreter(limits=ResourceLimits(seconds=2)) as interpreter:
        yield interpreter


@pytest.mark.parametrize("needs", TIERS.values(), ids=TIERS)
@pytest.mark.parametrize("code", UNREADABLE.values(), ids=UNREADABLE)
def test_a_result_is_data_or_a_line_of_error(interpreter, code, needs):
    run = interpreter.run(needs + code, result=("ans", ResultSource.PRINTED))
    assert repr(run.value).encode()  # neither raises
    assert run.value is None or run.error is None
    assert (run.error or "").isprintable()


@pytest.mark.parametrize("needs", TIERS.values(), ids=TIERS)
def test_a_strategy_has_no_answer_then(needs):
    asked = [f"```python\n{needs}{code}\n```" for code in UNREADABLE.values()]
    strategy = reasoning.strategies.get("program_of_thoughts")
    states = {
        name: strategy.run(Problem(f"How many {name}?", kinds.Number()), ScriptedLLM([reply])).state
        for name, reply in zip(UNREADABLE, asked, strict=True)
    }
    assert set(states.values()) == {"unparsed"}, states


@pytest.mark.parametrize("needs", TIERS.values(), ids=TIERS)
def test_the_arguments_of_a_host_function_are_refused_then(interpreter, needs):
    code = f"{needs}try:\n    f(A)\nexcept TypeError as error:\n    print(error)"
    code = TEXT_CLASS.format(text=f"'[' + {HEX} + ']'").replace("ans = A()\n", "A = A()\n") + code
    run = interpreter.run(code, functions={"f": lambda n: n})
    assert "what f is given is" in (run.error or run.stdout)


@pytest.mark.parametrize("text", [hex(1 << 70_000), f"[{hex(1 << 70_000)}]", f"-{hex(1 << 70_000)}"])
def test_an_integer_has_at_most_4300_digits(text):
    with pytest.raises(ValueError, match="more than 4300 digits"):
        parse(text)
    with pytest.raises(ValueError, match="not plain data"):
        parse(f"f({text})")
    assert parse(str(10**4299)) == 10**4299


def test_half_a_character_is_replaced():
    assert parse(repr({"\ud800": ["a\udfff"]})) == {"\ufffd": ["a\ufffd"]}


@pytest.mark.parametrize(
    "value", ["[0.1 + n for n in range(19_000)]", "['a\\\\b\\n' * 999] * 19", "{n: 'é' * 9 for n in range(2000)}"]
)
def test_a_result_that_is_too_long_says_so(interpreter, value):
    for needs in TIERS.values():
        assert interpreter.run(f"{needs}{value}").error == "the result is longer than 20000 characters"


FORGED = [
    "m\x1b]52;c;aGk=\x07\nv42",
    "vf('\x1b[2J\u202e\x00\n→ 42')",
    "v[\x1b",
    "e\x1b[31mValueError: a\u202eb\nforged\n7",
    "eValueError\x85\u2028: a\n²",
    "l²",
    "e",
    "x",
    "v" + "[" * 900,
    "v" + "-" * 3000 + "1",
    "v" + hex(1 << 70_000),
    "c\x1b[2J\n()",
    "cf\n([" + hex(1 << 70_000) + "], {})",
    "cf\n([1], {'\x1b': 1})",
]


@pytest.mark.parametrize("frame", FORGED, ids=range(len(FORGED)))
def test_a_forged_frame_is_a_line_of_error(interpreter, frame):
    """The program writes to the host process itself."""
    kind, text = frame[:1], frame[1:]
    writing = "import sys\nframe = sys._getframe()\n"
    writing += "while 'self' not in frame.f_locals: frame = frame.f_back\nrun = frame.f_locals['self']\n"
    code = f"{writing}run.send({kind!r}, {text!r})\nsys.modules['os']._exit(0)"
    run = interpreter.run(code, functions={"f": lambda n: n})
    assert run.tier == "process"
    assert run.error is not None
    assert run.error.isprintable()
    assert run.value is None


def test_an_error_is_one_printable_line():
    assert ExecutionResult(error="a  b, 'é → …'").error == "a  b, 'é → …'"  # printable: not one byte changes
    assert ExecutionResult(error="a\x1b[2J\nb\u202e\ud800c").error == "a [2J b c"
