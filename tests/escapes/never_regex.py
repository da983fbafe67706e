# never ends, in a regular expression
import re

re.match("(a+)+$", "a" * 40 + "b")
