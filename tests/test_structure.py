"""The house: which package may know which, what is exported, and what an import costs."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import reasoning
from reasoning import benchmarks, strategies

ROOT = Path(reasoning.__file__).parent.parent
ABOVE = {"reasoning": {"strategies", "benchmarks"}, "strategies": {"benchmarks"}, "benchmarks": set()}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno


@pytest.mark.parametrize("package", sorted(ABOVE))
def test_imports_run_down(package: str) -> None:
    up = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name, line in imports(path)
        if name in ABOVE[package] and path != ROOT / "reasoning" / "__init__.py"  # there for type checkers only
    ]
    assert up == []


def test_the_root_names_its_siblings_for_type_checkers_only() -> None:
    loaded = "import reasoning, sys; print('strategies' in sys.modules or 'benchmarks' in sys.modules)"
    assert _python(loaded) == "False"


@pytest.mark.parametrize("module", [reasoning, strategies, benchmarks], ids=lambda module: module.__name__)
def test_what_is_exported_can_be_imported_and_nothing_else(module: object) -> None:
    name = module.__name__  # type: ignore[attr-defined]
    code = f"from {name} import *; print(*sorted(n for n in dir() if n[0] != '_' or n == '__version__'))"
    exported = sorted(module.__all__)  # type: ignore[attr-defined]
    assert _python(code).split() == exported
    for one in exported:
        assert getattr(module, one) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(module, "nonsense")  # noqa: B009


def test_import_is_quiet_and_light() -> None:
    heavy = ["litellm", "numpy", "rich", "aiohttp", "typer", "xllamacpp", "datasets", "pydantic", "tenacity"]
    assert _python(f"import reasoning, sys; print(*[n for n in {heavy} if n in sys.modules])") == ""
    quiet = subprocess.run([sys.executable, "-W", "error", "-c", "import reasoning"], capture_output=True, check=False)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, b"", b"")


@pytest.mark.parametrize("name", ["strategies", "benchmarks"])
def test_a_shadowed_package_is_named_with_both_places(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong one was run')")
    code = f"import reasoning\ntry:\n    reasoning.{name}\nexcept ImportError as error:\n    print(error)"
    said = _python(code, cwd=tmp_path)
    assert str(tmp_path / name / "__init__.py") in said
    assert str(ROOT / name / "__init__.py") in said


def test_every_public_thing_says_what_it_is() -> None:
    for module in (reasoning, strategies, benchmarks):
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing) or isinstance(thing, type(importlib)):
                assert thing.__doc__, f"{module.__name__}.{name}"


def _python(code: str, cwd: Path | None = None) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=True)
    return done.stdout.strip()
