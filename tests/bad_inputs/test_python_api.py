"""Wrong arguments of the Python API are told before anything is sent: what must hold, and what was got."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import reasoning as r
from reasoning import Chain, Prompt, Step, kinds
from reasoning.errors import UsageError
from reasoning.testing import ScriptedLLM

NUMBER = r.Problem("1+1?", kinds.Number())
TEXT = Prompt(input="{text}")
HERE: dict[str, Any] = {
    "r": r,
    "kinds": kinds,
    "Chain": Chain,
    "Path": Path,
    "Prompt": Prompt,
    "Step": Step,
    "number": NUMBER,
    "text": TEXT,
    "url": "http://localhost:1/v1",
    "examples": [r.Example(NUMBER, 2)],
}

CALLS: list[tuple[str, *tuple[str, ...]]] = [  # type: ignore[misc]
    ("r.Problem(None)", "question", "text", "NoneType"),
    ("r.Problem('q', 'numbr')", "kind", "Number()", "'numbr'"),
    ("r.Problem('q', kinds.Number)", "kind", "Number()", "<class"),
    ("r.Problem('q', options=['a'])", "2 to 26 options", "got 1"),
    ("kinds.get('numbr')", "numbr", "'number'"),
    ("kinds.Choice([])", "2 to 26 options", "got 0"),
    ("kinds.Choice('ab')", "several options", "'ab'"),
    ("kinds.Label([])", "two labels", "[]"),
    ("kinds.Items(sep='')", "separator", "';'"),
    ("kinds.Json(schema='x')", "schema", "dict"),
    ("kinds.Date('nope')", "'nope'", "%m/%d/%Y"),
    ("kinds.Composite({})", "2 to 26", "got 0"),
    ("kinds.Composite({'a': int})", "<class 'int'>"),
    ("r.strategies.get('cto')", "cto", "'cot'"),
    ("r.strategies.get(5)", "'cot'", "5"),
    ("r.strategies.prompts('cto')", "cto", "'cot'"),
    ("r.strategies.override_prompts(['cot'], ['cot.x=1'])", "cot.x", "cot.trigger"),
    ("r.strategies.get('cot').replace(shot=4)", "shot", "'shots'", "cot"),
    ("r.strategies.get('react(step=3)')", "step", "'max_steps'"),
    ("r.strategies.get('react(steps=3)')", "steps", "a prompt", "max_steps=3"),
    ("r.strategies.get(\"chain_of_knowledge(sources='docs/')\")", "sources", "a mapping such as", "or None, got str"),
    ("r.strategies.get('react').replace(retriever=Path('docs')).run('q', llm)", "retriever", "a text: 'docs'"),
    ("r.Index(Path('docs'))", "source", "write it as a text: 'docs'"),
    ("r.Index('docs', 'dense', ' ')", "embeddings", "'local'", "an empty text"),
    ("r.Problem('q', corpus='docs/')", "corpus", "Corpus(name, documents)", "retriever", "'docs/'"),
    ("r.Corpus('c', [r.Document('a'), r.Document(5)])", "document 1", "a text and a title", "5"),
    ("r.strategies.get('cot').run(5, llm)", "question", "text", "int"),
    ("r.strategies.get('cot').run('q', None)", "llm", "'local'", "None"),
    ("r.strategies.get('cot').run('q', 5)", "llm", "connect", "5"),
    ("r.strategies.get('cot').run('q', 'lokal')", "lokal", "'local'"),
    ("r.strategies.get('cot').run('q', llm, epoch=-1)", "epoch", "-1"),
    ("r.strategies.get('cot').run('q', llm, budget=5)", "Budget(usd=1)", "5"),
    ("r.strategies.get('cot').map('abc', llm)", "list of problems", "['abc']"),
    ("r.strategies.get('cot').map([5], llm)", "question", "text", "int"),
    ("r.strategies.get('cot').map(['q'], llm, budget=5)", "Budget(usd=1)", "5"),
    ("r.strategies.get('cot').map(['q'], llm, concurrency=0)", "concurrency", "at least 1", "0"),
    ("r.strategies.get('cot').fit([], llm)", "cot", "no fit"),
    ("r.connect('')", "'local'", "''"),
    ("r.connect(None)", "'local'", "None"),
    ("r.connect('x', base_url='ftp://localhost')", "ftp://localhost", "http://localhost:8000/v1"),
    ("r.connect('x', base_url=url, concurrency=0)", "concurrency", "0"),
    ("r.connect('x', base_url=url, timeout=-1)", "timeout", "above 0", "-1"),
    ("r.connect('x', base_url=url, temprature=0.5)", "temprature", "'temperature'"),
    ("r.connect('x', base_url=url, temperature='hot')", "temperature", "at least 0", "'hot'"),
    ("r.connect('x', base_url=url, max_tokens=0)", "max_tokens", "at least 1", "0"),
    ("r.connect('x', base_url=url, budget=5)", "Budget(usd=1)", "5"),
    ("r.connect('x', base_url=url, journal=5)", "journal", "a file", "5"),
    ("r.connect('x', base_url=url, sandbox='docker')", "docker", "container"),
    ("r.connect('x', base_url=url, requests_per_minute=0)", "requests_per_minute", "0"),
    ("r.connect('local:')", "local:", "local:NAME"),
    ("r.connect('replay:')", "replay:", "replay:FILE"),
    ("r.Budget(usd='one')", "usd", "at least 0", "'one'"),
    ("r.Budget(calls=-1)", "calls", "at least 0", "-1"),
    ("r.Budget.parse('usd=x')", "usd=x", "usd=NUMBER"),
    ("Prompt(input='{text}', form='yaml')", "yaml", "xml"),
    ("Prompt(input='{text}', turns='x')", "'x'", "single"),
    ("Prompt(input=5)", "input", "text", "5"),
    ("text.fill(txt='x')", "{text}", "txt"),
    ("text.render(number)", "{text}", "problem"),
    ("text.replace(objectiv='x')", "objectiv", "'objective'"),
    ("Step('o ne', text)", "'o ne'", "'issues'"),
    ("Step('one')", "'one'", "prompt, function, chain", "none"),
    ("Step('one', 'just text')", "'one'", "Prompt(input='just text')"),
    ("Step('one', text, check=5)", "validator", "5"),
    ("Step('one', text, max_repairs=-1)", "max_repairs", "at least 0", "-1"),
    ("Step('one', text, for_each='x of y')", "for_each", "item in items"),
    ("Step('one', text, only_if='x')", "only_if", "{'step': 'label'}", "'x'"),
    ("Chain()", "at least one step"),
    ("Chain(text)", "Step(…)", "Prompt"),
    ("Chain([Step('one', text)])", "Step(…)", "[Step"),
    ("Chain(Step('one', text), Step('one', text))", "'one' twice"),
    ("Chain(Step('a', Prompt(input='{b}')), Step('b', Prompt(input='{a}')))", "'a' depends on 'b'"),
    ("Chain(Step('one', text)).run('x', None)", "needs a model", "connect('local')"),
    ("Chain(Step('one', Prompt(input='{a} {b}'))).run('x', llm)", "'a'"),
    ("Chain(Step('one', text)).step('two')", "two", "one"),
    ("Chain.load('missing')", "missing", "does not exist"),
    ("Chain.load('mine.jsonl')", "mine.jsonl", "a file"),
    ("Chain(Step('one', text)).save('mine.jsonl')", "mine.jsonl", "a file"),
    ("r.benchmarks.compare([], examples, llm, progress=False)", "at least one strategy"),
    ("r.benchmarks.compare('cto', examples, llm, progress=False)", "cto", "'cot'"),
    ("r.benchmarks.compare(['cot'], 'gsm_symbolik', llm, progress=False)", "gsm_symbolik", "'gsm_symbolic'"),
    ("r.benchmarks.compare(['cot'], [], llm, progress=False)", "at least one example"),
    ("r.benchmarks.compare(['cot'], ['q'], llm, progress=False)", "Examples", "'q'"),
    ("r.benchmarks.compare(['cot'], 5, llm, progress=False)", "a task", "5"),
    ("r.benchmarks.compare(['cot'], examples, 5, progress=False)", "llm", "5"),
    ("r.benchmarks.compare(['cot'], examples, llm, limit=-1, progress=False)", "limit", "-1"),
    ("r.benchmarks.compare(['cot'], examples, llm, limit='x', progress=False)", "limit", "'x'"),
    ("r.benchmarks.compare(['cot'], examples, llm, epochs=0, progress=False)", "epochs", "0"),
    ("r.benchmarks.compare(['cot'], examples, llm, concurrency=0, progress=False)", "concurrency", "0"),
    ("r.benchmarks.compare(['cot'], examples, llm, time_limit=-1, progress=False)", "time_limit", "-1"),
    ("r.benchmarks.compare(['cot'], examples, llm, strategy_budget=5, progress=False)", "Budget(usd=1)", "5"),
    ("r.benchmarks.compare(['cot'], examples, llm, race=True, margin=-1, progress=False)", "margin", "-1"),
    ("r.benchmarks.compare(['cot'], examples, llm, out='mine.jsonl', progress=False)", "mine.jsonl"),
    ("r.benchmarks.compare(['cot'], examples, llm, progress=False).problem('zz')", "zz", "given-0001"),
    ("r.benchmarks.chains.evaluate('missing', llm)", "missing", "telecom_feedback"),
    ("r.benchmarks.chains.compare('telecom_feedback', 'missing', llm)", "missing", "claims"),
]


@pytest.mark.parametrize(("call", "names"), [(call, names) for call, *names in CALLS], ids=[row[0] for row in CALLS])
def test_a_wrong_argument_is_told(call: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REASONING_HOME", str(tmp_path / "home"))
    Path("mine.jsonl").write_text("{}\n")
    llm = ScriptedLLM(lambda messages: "The answer is 2.")
    with pytest.raises(UsageError) as told:
        eval(call, {**HERE, "llm": llm})  # noqa: S307
    assert [name for name in names if name not in str(told.value)] == [], str(told.value)
    assert Path("mine.jsonl").read_text() == "{}\n"
    if ".problem(" not in call:
        assert llm.calls == 0
