"""The import graph of the package, read from its source: every import, also lazy ones and those by a string."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LAYERS = (
    (
        "version",
        "errors",
        "paths",
        "files",
        "data_files",
        "text_safety",
        "record_lines",
        "logs",
        "notebook",
        "secret_scan",
        "short_repr",
        "token_estimate",
        "usage",
        "image_headers",
        "images",
        "messages",
        "tool_calls",
        "tables",
        "toml_io",
        "terminal_table",
        "plugins",
        "forks",
    ),
    ("kinds", "trace", "watching", "draw_stream", "telemetry", "sampling_params", "event_loop", "loop_bridge"),
    ("journal", "sandbox", "providers"),
    ("retrieval", "tables_sql"),
    ("voting",),
    ("answer", "problem", "truncation", "repetition", "prompts", "prompt_markdown"),
    ("display", "pages"),
    ("engine",),
    ("session", "session_events", "session_tools", "branches", "dry_run"),
    ("card", "parameters", "strategy", "first_call_strategy", "call_counts"),
    ("tools", "mock_batches", "testing", "spec", "registry", "prompt_overrides"),
    ("chain",),
    ("cli",),
    ("strategies",),
    ("interop",),
    ("benchmarks.gym_refusals",),
    ("benchmarks.statistics", "benchmarks.tasks"),
    ("benchmarks.results",),
    ("benchmarks.runs",),
    ("benchmarks.analysis",),
    ("benchmarks.report", "benchmarks.chains"),
    (
        "benchmarks.experiment",
        "benchmarks.advise",
        "benchmarks.annotate",
        "benchmarks.exchange",
        "benchmarks.rescore",
        "benchmarks.tracking",
        "benchmarks.shards",
        "benchmarks.view",
    ),
    ("benchmarks.cli", "benchmarks"),
    ("tuning",),
    ("serving",),
)
"""The areas of the package by layer, lowest first. A module may import its own area, its layer and lower layers."""

VIEWS = {
    ("answer", "display"),
    ("problem", "display"),
    ("trace", "display"),
    ("prompts", "display"),
    ("voting", "display"),
}
"""Exceptions: a value may lazily import its view (`_repr_html_`)."""


@dataclass(frozen=True)
class Import:
    """One import: the importing module, the imported one, its line, and whether it runs inside a function."""

    importer: str
    imported: str
    line: int
    lazy: bool


def read_package(root: Path) -> dict[str, str]:
    """Return the source of every module of the package by name, such as `reasoning.engine.llm`."""
    sources = {}
    for folder, _, files in os.walk(root / "reasoning", followlinks=True):
        for path in (Path(folder, file) for file in files if file.endswith(".py")):
            module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            sources[module] = path.read_text(encoding="utf-8")
    return dict(sorted(sources.items()))


def read_imports(sources: Mapping[str, str]) -> list[Import]:
    """Return the package's imports of its own modules."""
    return [
        Import(importer, imported, line, lazy)
        for importer, text in sources.items()
        for imported, line, lazy in _imports(ast.parse(text), sources, lazy=False)
        if imported.partition(".")[0] == "reasoning"
    ]


def _imports(node: ast.AST, sources: Mapping[str, str], lazy: bool) -> Iterator[tuple[str, int, bool]]:
    for child in ast.iter_child_nodes(node):
        inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.Import):
            yield from ((alias.name, child.lineno, inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module and not child.level:
            for alias in child.names:
                full = f"{child.module}.{alias.name}"
                yield (full if full in sources else child.module), child.lineno, inside
        elif isinstance(child, ast.Call) and _called(child.func) in (
            "import_module",
            "__import__",
            "find_spec",
            "files",
        ):
            for argument in child.args[:1]:
                if text := _beginning(argument):
                    yield text.rstrip("."), child.lineno, inside
        yield from _imports(child, sources, inside)


def _called(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _beginning(argument: ast.expr) -> str:
    """Return the constant beginning of a string argument; empty if it has none."""
    if isinstance(argument, ast.JoinedStr) and argument.values:
        argument = argument.values[0]
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else ""


def area_of(module: str) -> str:
    """Return the area of a module: `engine` for `reasoning.engine.llm`, `benchmarks.runs` for a module in it.

    The facades `reasoning` and `reasoning.benchmarks` are separate areas, above the rest.
    """
    parts = module.split(".")[1:]
    return ".".join(parts[:2]) if parts[:1] == ["benchmarks"] else parts[0] if parts else "reasoning"


def find_upward(imports: list[Import]) -> list[str]:
    """Return the imports of a higher layer, or of an area that the layers do not name."""
    rank = {area: level for level, areas in enumerate((*LAYERS, ("reasoning",))) for area in areas}
    found = []
    for one in imports:
        source, target = area_of(one.importer), area_of(one.imported)
        if source == target or source == "reasoning" or ((source, target) in VIEWS and one.lazy):
            continue
        if source not in rank or target not in rank:
            found.append(f"{one.importer}:{one.line} imports {one.imported}: name the area in LAYERS")
        elif rank[target] > rank[source]:
            found.append(f"{one.importer}:{one.line} imports {one.imported}, which is above it")
    return found


def find_cycles(imports: list[Import]) -> list[list[str]]:
    """Return the cycles among folders, each as the sorted names of the folders that reach each other."""
    names = {name for one in imports for name in (one.importer, one.imported)}
    graph: dict[str, set[str]] = {}
    for one in imports:
        if one.importer == "reasoning" or ((area_of(one.importer), area_of(one.imported)) in VIEWS and one.lazy):
            continue
        source, target = _folder(one.importer, names), _folder(one.imported, names)
        if source != target:
            graph.setdefault(source, set()).add(target)
            graph.setdefault(target, set())
    return _components(graph)


def _folder(module: str, names: set[str]) -> str:
    """Return the folder of a module, or the module itself if its folder has subfolders."""
    parent = module.rpartition(".")[0]
    inner = {name for name in names if name.startswith(f"{parent}.") and name.count(".") > parent.count(".") + 1}
    return module if inner or any(name.startswith(f"{module}.") for name in names) else parent


def _components(graph: Mapping[str, set[str]]) -> list[list[str]]:
    reach = {start: _reachable(graph, start) for start in graph}
    found = []
    for start in graph:
        cycle = sorted(other for other in reach[start] if start in reach[other])
        if len(cycle) > 1 and cycle not in found:
            found.append(cycle)
    return found


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen, waiting = set[str](), [start]
    while waiting:
        for target in graph[waiting.pop()] - seen:
            seen.add(target)
            waiting.append(target)
    return seen
