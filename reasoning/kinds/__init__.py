"""Kinds of answers: how an answer is asked for, read from what a model said, compared, scored and shown.

    Number()                  18, -0.5, 1/3           Text()        a short free text
    Choice(["red", "blue"])   "A", "B"                Items(sep=";")  several texts
    YesNo()                   True, False             Json()        an object or a list

A kind of one's own is a frozen dataclass that starts from `Stated` and says what it finds on a line:

    @dataclass(frozen=True)
    class Weekday(Stated):
        name = "weekday"
        def instruction(self): return "End with one line: The answer is D, where D is a day of the week."
        def only(self, line, before): return next((day for day in DAYS if day in line.lower()), None)
        def key(self, value): return value
"""

from reasoning.kinds.choice import Choice
from reasoning.kinds.items import Items
from reasoning.kinds.kind import CHECKER, Kind, Reading, Region, Unusable
from reasoning.kinds.names import KINDS, from_json, get, to_json
from reasoning.kinds.number import Number
from reasoning.kinds.stated import Stated
from reasoning.kinds.structured import Json
from reasoning.kinds.text import Text
from reasoning.kinds.yesno import YesNo

__all__ = [
    "CHECKER",
    "KINDS",
    "Choice",
    "Items",
    "Json",
    "Kind",
    "Number",
    "Reading",
    "Region",
    "Stated",
    "Text",
    "Unusable",
    "YesNo",
    "from_json",
    "get",
    "to_json",
]
