"""The house: which package may know which, what is exported, and what an import costs."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import reasoning
from reasoning import benchmarks, strategies
from reasoning.registry import places
from tests.import_graph import find_cycles, find_upward, read_imports, read_package

ROOT = Path(reasoning.__file__).parent.parent


def test_imports_run_down() -> None:
    assert find_upward(read_imports(read_package(ROOT))) == []


def test_no_folders_import_each_other() -> None:
    assert find_cycles(read_imports(read_package(ROOT))) == []


@pytest.mark.parametrize(
    "line",
    [
        "from reasoning.chain import Chain",
        "import reasoning.chain.step",
        "from reasoning import chain",
        "def f():\n    from reasoning.chain.step import Step",
        "if TYPE_CHECKING:\n    from reasoning.chain import Chain",
        "def f():\n    return importlib.import_module('reasoning.chain.step')",
        "def f(name):\n    return import_module(f'reasoning.chain.{name}')",
        "def f():\n    import reasoning",
    ],
)
def test_an_import_against_the_layers_is_found(line: str) -> None:
    sources = {"reasoning.engine.llm": line, "reasoning.chain": "", "reasoning.chain.step": "", "reasoning": ""}
    assert len(find_upward(read_imports(sources))) == 1


def test_a_circle_between_folders_is_found() -> None:
    sources = {
        "reasoning.journal.a": "from reasoning.sandbox import b",
        "reasoning.sandbox.b": "import reasoning.journal.a",
    }
    assert find_upward(read_imports(sources)) == []
    assert find_cycles(read_imports(sources)) == [["reasoning.journal", "reasoning.sandbox"]]


def test_only_a_lazy_view_may_look_up() -> None:
    lazy = "def _repr_html_(self):\n    from reasoning.display import trace_html"
    assert find_upward(read_imports({"reasoning.trace": lazy, "reasoning.display": ""})) == []
    at_once = "from reasoning.display import trace_html"
    assert len(find_upward(read_imports({"reasoning.trace": at_once, "reasoning.display": ""}))) == 1


def test_the_root_names_its_siblings_for_type_checkers_only() -> None:
    loaded = (
        "import reasoning, sys; print(any(n in sys.modules for n in ('reasoning.strategies', 'reasoning.benchmarks')))"
    )
    assert _python(loaded) == "False"


def test_an_import_takes_one_name_at_the_top() -> None:
    code = "import reasoning.strategies, reasoning.benchmarks, sys"
    assert _python(f"{code}; print([n for n in ('strategies', 'benchmarks') if n in sys.modules])") == "[]"


@pytest.mark.parametrize("module", [reasoning, strategies, benchmarks], ids=lambda module: module.__name__)
def test_what_is_exported_can_be_imported_and_nothing_else(module: object) -> None:
    name = module.__name__  # type: ignore[attr-defined]
    code = f"from {name} import *; print(*sorted(n for n in dir() if n[0] != '_' or n == '__version__'))"
    exported = sorted(module.__all__)  # type: ignore[attr-defined]
    assert _python(code).split() == exported
    assert dir(module) == exported
    for one in exported:
        assert getattr(module, one) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(module, "nonsense")  # noqa: B009


def test_the_table_of_techniques_is_the_one_that_type_checkers_see() -> None:
    names = {alias.name for node in _for_type_checkers(Path(strategies.__file__)) for alias in node.names}
    assert names == set(strategies.__all__)
    modules = {
        alias.name: node.module for node in _for_type_checkers(Path(strategies.__file__)) for alias in node.names
    }
    for place in places().values():
        module, _, name = place.partition(":")
        assert modules[name] in (module, module.rpartition(".")[0])


def test_type_checkers_see_what_is_exported() -> None:
    for module in (reasoning, benchmarks):
        nodes = _for_type_checkers(Path(str(module.__file__)))
        assert {alias.name for node in nodes for alias in node.names} == {*module.__all__} - {"__version__"}


def _for_type_checkers(path: Path) -> list[ast.ImportFrom]:
    """Return the imports that a facade makes for type checkers only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return [node for node in block.body if isinstance(node, ast.ImportFrom)]


def test_import_is_quiet_and_light() -> None:
    heavy = ["litellm", "numpy", "rich", "aiohttp", "typer", "xllamacpp", "datasets", "pydantic", "tenacity"]
    assert _python(f"import reasoning, sys; print(*[n for n in {heavy} if n in sys.modules])") == ""
    quiet = subprocess.run([sys.executable, "-W", "error", "-c", "import reasoning"], capture_output=True, check=False)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, b"", b"")


def test_every_public_thing_says_what_it_is() -> None:
    for module in (reasoning, strategies, benchmarks):
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing) or isinstance(thing, type(importlib)):
                assert thing.__doc__, f"{module.__name__}.{name}"


def _python(code: str, cwd: Path | None = None) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=True)
    return done.stdout.strip()
