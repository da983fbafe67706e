"""The wheel: one top-level package, next to distributions that use the names of its folders."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tenacity

import reasoning

ROOT = Path(reasoning.__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, *build, "--wheel-dir", str(folder), str(ROOT)], check=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment: our wheel, and one whose packages have the names of our folders.

    Third-party packages come from the environment of the tests.
    """
    folder = tmp_path_factory.mktemp("environment")
    other = folder / "other-1.0-py3-none-any.whl"
    with zipfile.ZipFile(other, "w") as file:
        for package in ("strategies", "benchmarks"):
            file.writestr(f"{package}/__init__.py", f"OWNER = 'the other {package}'\n")
        file.writestr("other-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
        file.writestr("other-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("other-1.0.dist-info/RECORD", "")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    [python] = (folder / "venv").glob("*/python*.exe" if sys.platform == "win32" else "bin/python")
    install = ["install", "--quiet", "--no-deps", "--disable-pip-version-check", str(wheel), str(other)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True)
    [site] = [path for path in (folder / "venv").rglob("site-packages") if path.is_dir()]
    (site / "borrowed.pth").write_text(f"{Path(tenacity.__file__).parents[1]}\n")
    return python


def run(python: Path, code: str, cwd: Path) -> str:
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_wheel_has_one_package_and_no_developers_tools(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {
        "reasoning",
        f"reasoning_strategies-{reasoning.__version__}.dist-info",
    }
    for needed in (
        "strategies/thought/cot.py",
        "benchmarks/report/page.js",
        "serving/page/page.html",
        "pages/parts.js",
        "providers/models.toml",
        "py.typed",
    ):
        assert f"reasoning/{needed}" in names
    assert not [name for name in names if "perf/" in name or "simulation/" in name or "technique_pages/" in name]


def test_the_wheel_has_the_files_of_the_checkout(wheel: Path) -> None:
    tracked = [path for folder in ("reasoning", "strategies", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    expected = {path.resolve().relative_to(ROOT).as_posix() for path in tracked}
    expected = {name if name.startswith("reasoning/") else f"reasoning/{name}" for name in expected}
    assert expected == {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}


def test_other_distributions_keep_their_names(environment: Path, tmp_path: Path) -> None:
    code = "import strategies, benchmarks, reasoning.strategies; print(strategies.OWNER, benchmarks.OWNER, sep=', ')"
    assert run(environment, code, tmp_path) == "the other strategies, the other benchmarks"


def test_a_comparison_runs_from_the_installed_package(environment: Path, tmp_path: Path) -> None:
    code = """
from reasoning import Example, Problem, kinds
from reasoning.benchmarks import compare
from reasoning.strategies import ChainOfThought
from reasoning.testing import ScriptedLLM
import reasoning
assert "site-packages" in reasoning.__file__
examples = [Example(Problem(f"What is {n} + 1?", kinds.Number()), n + 1) for n in range(3)]
llm = ScriptedLLM(lambda messages: "The answer is 2.")
print(len(compare(["vanilla", ChainOfThought()], examples, llm, progress=False).results))
"""
    assert run(environment, code, tmp_path) == "6"


def test_the_command_is_installed_with_every_group(environment: Path, tmp_path: Path) -> None:
    command = environment.with_name("reasoning")
    done = subprocess.run([str(command), "--help"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    for group in ("ask", "strategies", "bench", "advise", "chain", "models", "journal", "tasks", "doctor"):
        assert group in done.stdout
