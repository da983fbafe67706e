"""The kinds of answers. A kind asks for an answer, parses it from a reply, compares, scores and shows it.

    Number()                  18, -0.5, 1/3         Items(sep=";")  several texts
    Choice(["red", "blue"])   "A", "B"              Cells()         cells of a table
    Label(["good", "bad"])    "good"                Json()          an object or a list
    YesNo()                   True, False           Code()          source text
    Text()                    a short free text     Expression()    (0, 1], x^2 + 1, "even"
    Date("%m/%d/%Y")          a day                 Calculation()   (10 - 6) * 5 + 4
    Composite({"age": Number(), "member": YesNo()})      several answers at once
    Spans(["problem", "test"])                           parts of a text with labels

`Region` restricts the part of a reply that is parsed; `stated_only=True` accepts only stated
answers. docs/explanation/answers.md describes the parsing rules.

A custom kind is a frozen dataclass that inherits from `BaseKind` and finds its answer on a line:

    @dataclass(frozen=True)
    class Weekday(BaseKind):
        name = "weekday"
        days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        def instruction(self): return 'End with a last line: "The answer is" and a day of the week.'
        def parse_line(self, line, before): return next((day for day in self.days if day in line.lower()), None)
        def key(self, value): return value
"""

from reasoning.kinds.base import BaseKind
from reasoning.kinds.calculation import Calculation
from reasoning.kinds.cells import Cells
from reasoning.kinds.choice import Choice
from reasoning.kinds.code import Code
from reasoning.kinds.composite import Composite
from reasoning.kinds.date import Date
from reasoning.kinds.expression import Expression
from reasoning.kinds.items import Items
from reasoning.kinds.json_kind import Json
from reasoning.kinds.kind import PARSER_VERSION, Kind, ParseResult, Region, Rejected
from reasoning.kinds.label import Label
from reasoning.kinds.number import Number
from reasoning.kinds.registry import KINDS, from_json, get, to_json
from reasoning.kinds.spans import Span, SpanMatches, Spans
from reasoning.kinds.text import Text
from reasoning.kinds.yesno import YesNo

__all__ = [
    "KINDS",
    "PARSER_VERSION",
    "BaseKind",
    "Calculation",
    "Cells",
    "Choice",
    "Code",
    "Composite",
    "Date",
    "Expression",
    "Items",
    "Json",
    "Kind",
    "Label",
    "Number",
    "ParseResult",
    "Region",
    "Rejected",
    "Span",
    "SpanMatches",
    "Spans",
    "Text",
    "YesNo",
    "from_json",
    "get",
    "to_json",
]
