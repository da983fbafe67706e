"""Strategies that make language models reason, as small composable techniques over one client.

    import reasoning as r

    llm = r.connect("local")
    answer = r.strategies.get("self_consistency(cot, samples=5)").run("A train leaves at …", llm)

All public names are listed here and imported on first use: `import reasoning` loads no provider
library. The modules are `strategies`, `benchmarks`, `kinds`, `voting`, `errors` and
`testing`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from reasoning.version import __version__ as __version__

if TYPE_CHECKING:
    from reasoning import benchmarks as benchmarks
    from reasoning import errors as errors
    from reasoning import kinds as kinds
    from reasoning import strategies as strategies
    from reasoning import testing as testing
    from reasoning import voting as voting
    from reasoning.answer import Answer as Answer
    from reasoning.answer import Answered as Answered
    from reasoning.answer import Failed as Failed
    from reasoning.answer import Unparsed as Unparsed
    from reasoning.branches import FirstCall as FirstCall
    from reasoning.branches import gather as gather
    from reasoning.card import Card as Card
    from reasoning.chain import Chain as Chain
    from reasoning.chain import Step as Step
    from reasoning.engine.budget import Budget as Budget
    from reasoning.engine.connect import connect as connect
    from reasoning.engine.llm import LLM as LLM
    from reasoning.first_call_strategy import FirstCallStrategy as FirstCallStrategy
    from reasoning.images import Image as Image
    from reasoning.journal import Journal as Journal
    from reasoning.messages import Completion as Completion
    from reasoning.messages import Conversation as Conversation
    from reasoning.messages import Message as Message
    from reasoning.messages import Request as Request
    from reasoning.messages import Usage as Usage
    from reasoning.problem import AnyOf as AnyOf
    from reasoning.problem import Example as Example
    from reasoning.problem import Problem as Problem
    from reasoning.prompts import Demonstration as Demonstration
    from reasoning.prompts import Prompt as Prompt
    from reasoning.providers.client import Client as Client
    from reasoning.retrieval.document import Corpus as Corpus
    from reasoning.retrieval.document import Document as Document
    from reasoning.retrieval.index import Index as Index
    from reasoning.sandbox import Sandbox as Sandbox
    from reasoning.session import Session as Session
    from reasoning.strategy import Strategy as Strategy
    from reasoning.strategy import technique as technique
    from reasoning.tables_sql.table import Table as Table
    from reasoning.trace import Trace as Trace
    from reasoning.watching import SolveEvent as SolveEvent

_FROM = {
    "Answer": "answer",
    "Answered": "answer",
    "AnyOf": "problem",
    "Budget": "engine.budget",
    "Card": "card",
    "Chain": "chain",
    "Client": "providers.client",
    "Completion": "messages",
    "Conversation": "messages",
    "Corpus": "retrieval.document",
    "Demonstration": "prompts",
    "Document": "retrieval.document",
    "Example": "problem",
    "Failed": "answer",
    "FirstCall": "branches",
    "FirstCallStrategy": "first_call_strategy",
    "Image": "images",
    "Index": "retrieval.index",
    "Journal": "journal",
    "LLM": "engine.llm",
    "Message": "messages",
    "Problem": "problem",
    "Prompt": "prompts",
    "Request": "messages",
    "Sandbox": "sandbox",
    "Session": "session",
    "SolveEvent": "watching",
    "Step": "chain",
    "Strategy": "strategy",
    "Table": "tables_sql.table",
    "Trace": "trace",
    "Unparsed": "answer",
    "Usage": "messages",
    "connect": "engine.connect",
    "gather": "branches",
    "technique": "strategy",
}
_MODULES = ("benchmarks", "errors", "kinds", "strategies", "testing", "voting")

__all__ = sorted([*_FROM, *_MODULES, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _FROM:
        value = getattr(importlib.import_module(f"reasoning.{_FROM[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"reasoning.{name}")
    else:
        raise AttributeError(f"module 'reasoning' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
