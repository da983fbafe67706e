"""Tools for acting: what a model may use in a trajectory, besides writing text."""

from reasoning.session_tools import Tool, ToolResult
from reasoning.tools.function import FunctionTool
from reasoning.tools.pages import page_tools
from reasoning.tools.python import PythonTool
from reasoning.tools.search import SearchTool
from reasoning.tools.sources import BUILT_IN, as_tools, make_tools
from reasoning.tools.sql import SQLTool
from reasoning.tools.strategy import StrategyTool
from reasoning.tools.toolbox import Toolbox

__all__ = [
    "BUILT_IN",
    "FunctionTool",
    "PythonTool",
    "SQLTool",
    "SearchTool",
    "StrategyTool",
    "Tool",
    "ToolResult",
    "Toolbox",
    "as_tools",
    "make_tools",
    "page_tools",
]
