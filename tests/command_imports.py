"""Imports what most commands use, for the process that forks for each command of a test."""

import gc
import pkgutil
from importlib import import_module

PACKAGES = (
    "benchmarks.analysis",
    "benchmarks.chains",
    "benchmarks.results",
    "benchmarks.runs",
    "benchmarks.statistics",
    "benchmarks.tasks",
    "chain",
    "cli",
    "engine",
    "journal",
    "kinds",
    "retrieval",
    "strategies",
    "tables_sql",
    "tools",
)
"""Packages of which every module is imported. None starts a thread."""
MODULES = (
    "reasoning.display",
    "reasoning.providers.openai_client",
    "reasoning.providers.replay",
    "reasoning.spec",
    "reasoning.terminal_table",
    "aiohttp",
    "encodings.idna",
    "numpy.ma",
    "pydantic.json_schema",
    "pydantic.type_adapter",
    "rich.table",
    "scipy.stats",
    "uvloop",
)

import_module("reasoning.cli.app").app()
for package in (import_module(f"reasoning.{name}") for name in PACKAGES):
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        import_module(found.name)
for name in MODULES:
    import_module(name)
gc.freeze()
