"""A generator of ordinary programs: calculations, text, lists, functions, classes, dates, as models write them.

Each program is a number of statements over typed variables, ends in `ans`, and may fail. Equal seeds give equal
programs.
"""

# ruff: noqa: E501 - programs in one line each

from __future__ import annotations

import ast
import contextlib
import random
from collections.abc import Callable

NUMBERS = ["total", "price", "rate", "count", "share"]
TEXTS = ["name", "word", "line"]
LISTS = ["items", "values", "sizes"]
WORDS = ["apple", "Pear", "fig", "banana split", "a-b c", "Zoë", "3 cats", "x1y22", "", "Hello, World!"]

NEEDS_CPYTHON = (
    "set(", "str.", "int.from_bytes", "re.", "class ", "try:", "math.cbrt", "math.gamma", "math.erf", "any(", "all(",
    "next(", "(n for", ", -1, ", "pairs", "squares", "sizes[i - 1]", "{{",
)  # fmt: skip


class Writer:
    """Writes one program.

    Args:
        seed: the seed of its choices.
        plain: whether to leave out what is known to need CPython.
    """

    def __init__(self, seed: int, *, plain: bool = False) -> None:
        self.random = random.Random(seed)
        self.plain = plain
        self.imports: list[str] = []
        self.helpers = 0

    def program(self) -> str:
        """Return the program's source."""
        lines = [
            f"total = {self.constant()}",
            f"price = {self.random.choice(['2.5', '19.99', '0.1', '3', '1.005', '2.675'])}",
            f"rate = {self.random.choice(['0.07', '1.5', '4', '12', '0.333'])}",
            f"count = {self.random.randint(-3, 30)}",
            f"share = {self.random.choice(['1 / 3', '0.25', '7 / 2', '2 ** 0.5'])}",
            f"name = {self.random.choice(WORDS)!r}",
            f"word = {self.random.choice(WORDS)!r}",
            f"line = {' '.join(self.random.sample(WORDS, 3))!r}",
            f"items = {self.random.sample(WORDS, self.random.randint(0, 5))!r}",
            f"values = [{', '.join(self.constant() for _ in range(self.random.randint(0, 6)))}]",
            f"sizes = {[self.random.randint(-9, 40) for _ in range(self.random.randint(1, 7))]}",
        ]
        for _ in range(self.random.randint(1, 5)):
            lines += self.statement().splitlines()
        lines.append(f"ans = {self.random.choice([self.number, self.text, self.items, self.anything])()}")
        if self.random.random() < 0.2:
            lines.append(f"print({self.text()}, {self.number()})")
        return "\n".join([*dict.fromkeys(self.imports), *lines]) + "\n"

    def choose(self, *options: str | Callable[[], str]) -> str:
        for _ in range(6):
            chosen = self.random.choice(options)
            text = chosen if isinstance(chosen, str) else chosen()
            if not (self.plain and any(word in text for word in NEEDS_CPYTHON)):
                break
        return text

    def use(self, line: str) -> None:
        self.imports.append(line)

    def constant(self) -> str:
        return self.random.choice(
            [
                str(self.random.randint(-20, 200)),
                f"{self.random.uniform(-50, 500):.{self.random.randint(1, 4)}f}",
                str(self.random.randint(1, 9) * 10 ** self.random.randint(1, 8)),
                f"{self.random.randint(-400, 4000) / 8}",
            ]
        )

    def number(self, depth: int = 2) -> str:
        if depth == 0:
            return self.random.choice([*NUMBERS, self.constant(), str(self.random.randint(1, 12))])
        part = lambda: self.number(depth - 1)  # noqa: E731
        sizes = self.numbers(depth - 1)
        return self.choose(
            lambda: f"{part()} + {part()}",
            lambda: f"({part()} - {part()}) * {part()}",
            lambda: f"{part()} / {part()}",
            lambda: f"{part()} // {part()}",
            lambda: f"{part()} % {part()}",
            lambda: f"({part()}) ** {self.random.choice(['2', '0.5', '3', '-1', '1.5'])}",
            lambda: f"round({part()}, {self.random.randint(-2, 4)})",
            lambda: f"round({part()})",
            lambda: f"int({part()})",
            lambda: f"abs({part()})",
            lambda: f"float(f'{{{part()}:.2f}}')",
            lambda: f"min({part()}, {part()})",
            lambda: f"max({sizes}, default=0)",
            lambda: f"sum({sizes})",
            lambda: f"sum(n * 2 for n in {sizes} if n > {part()})",
            lambda: f"sum(map(abs, {sizes}))",
            lambda: f"len({self.items(depth - 1)})",
            lambda: f"len(set({self.items(depth - 1)}))",
            lambda: f"len({self.text(depth - 1)})",
            lambda: f"{self.text(depth - 1)}.count({self.random.choice(['a', 'l', ' '])!r})",
            lambda: (
                f"pow(int({part()}), {self.random.choice(['-1', '2', '5'])}, {self.random.choice(['11', '7', '1000'])})"
            ),
            lambda: f"divmod({part()}, {part()})[{self.random.randint(0, 1)}]",
            lambda: f"({part()} if {self.truth(depth - 1)} else {part()})",
            lambda: f"next((n for n in {sizes} if n % 3 == 0), -1)",
            lambda: f"int.from_bytes({self.text(depth - 1)}.encode()[:3], 'big')",
            lambda: f"{sizes}[{self.random.choice(['0', '-1', '1'])}]",
            lambda: f"sorted({sizes})[len({sizes}) // 2]",
            lambda: self.mathematics(depth - 1),
            lambda: self.date("({} - {}).days"),
            lambda: f"len(list(filter(None, {sizes})))",
        )

    def mathematics(self, depth: int) -> str:
        self.use("import math")
        name = self.random.choice(
            [
                "sqrt",
                "floor",
                "ceil",
                "log",
                "exp",
                "sin",
                "cos",
                "tan",
                "atan",
                "log10",
                "log2",
                "radians",
                "degrees",
                "factorial",
                "isqrt",
                "cbrt",
                "gamma",
                "erf",
                "trunc",
                "fabs",
            ]
        )
        value = self.number(depth)
        integer = name in ("factorial", "isqrt")
        return self.choose(
            f"math.{name}({f'abs(int({value})) % 30' if integer else value})",
            f"math.{name}({f'abs(int({value})) % 30' if integer else f'abs({value}) % 20'})",
            f"math.gcd(int({value}), {self.random.randint(2, 60)})",
            f"math.hypot({value}, {self.number(depth)})",
            f"math.comb(10, abs(int({value})) % 12)",
            "math.pi * 2",
            f"math.prod({self.numbers(0)})",
        )

    def text(self, depth: int = 2) -> str:
        if depth == 0:
            return self.random.choice([*TEXTS, repr(self.random.choice(WORDS))])
        part = lambda: self.text(depth - 1)  # noqa: E731
        spec = self.random.choice(["", ":.2f", ":,.1f", ":>9", ":e", ":g", ":05.1f", ":,", ":+.0f", ":%", "!r"])
        return self.choose(
            lambda: f"f'{{{self.number(depth - 1)}{spec}}}'",
            lambda: f"f'{{{self.random.choice(NUMBERS)}{spec}}} of {{{self.random.choice(TEXTS)}!r:>8}}'",
            lambda: f"{part()} + {part()}",
            lambda: (
                f"{part()}.{self.random.choice(['upper', 'lower', 'title', 'strip', 'capitalize', 'swapcase', 'casefold'])}()"
            ),
            lambda: f"{part()}[{self.random.choice(['::-1', ':3', '-2:', '1:4', '0'])}]",
            lambda: f"{part()}.replace('a', 'oo')",
            lambda: f"' '.join({self.items(depth - 1)})",
            lambda: f"''.join(sorted({part()}))",
            lambda: f"''.join(reversed({part()}))",
            lambda: f"','.join(str(n) for n in {self.numbers(depth - 1)})",
            lambda: f"str({self.number(depth - 1)})",
            lambda: f"str({self.items(depth - 1)})",
            lambda: f"'{{:>6}}|{{}}'.format({self.number(depth - 1)}, {part()})",
            lambda: f"'%s has %.2f' % ({part()}, {self.number(depth - 1)})",
            lambda: f"{part()}.zfill(8)",
            lambda: f"{part()}.translate(str.maketrans('ae', 'xy'))",
            lambda: f"max({self.items(depth - 1)}, key=len, default='')",
            lambda: f"min({self.items(0)}, key=str.lower, default='')",
            lambda: self.date("{}.strftime('%A %d %B %Y')"),
            lambda: self.date("str({} + timedelta(days=count))"),
            lambda: self.expression(depth - 1),
            lambda: self.json(depth - 1),
        )

    def expression(self, depth: int) -> str:
        self.use("import re")
        pattern = self.random.choice([r"\d+", r"[aeiou]", r"\w+", r"\s", r"(\w)(\w)", r"x*", "$"])
        text = self.text(depth)
        return self.choose(
            f"re.sub({pattern!r}, '_', {text})",
            f"re.sub({pattern!r}, lambda m: m.group().upper(), {text})",
            f"str(re.findall({pattern!r}, {text}))",
            f"str(re.split({pattern!r}, {text}))",
            f"str(bool(re.search({pattern!r}, {text})))",
        )

    def json(self, depth: int) -> str:
        self.use("import json")
        return self.choose(
            f"json.dumps({{'a': {self.number(depth)}, 'b': {self.items(depth)}}})",
            f"str(json.loads(json.dumps({self.numbers(depth)})))",
        )

    def date(self, pattern: str) -> str:
        self.use("from datetime import date, timedelta")
        day = f"date({self.random.randint(1990, 2030)}, {self.random.randint(1, 12)}, {self.random.randint(1, 28)})"
        return pattern.format(day, "date(2024, 2, 29)")

    def numbers(self, depth: int = 1) -> str:
        if depth == 0:
            return self.random.choice(["values", "sizes", "[3, 1, 2]", "list(range(5))"])
        part = lambda: self.numbers(depth - 1)  # noqa: E731
        return self.choose(
            lambda: f"[n * {self.number(0)} for n in {part()}]",
            lambda: f"[n for n in {part()} if n > {self.number(0)}]",
            lambda: f"sorted({part()}, reverse=True)",
            lambda: f"sorted({part()}, key=lambda n: -n)",
            lambda: f"{part()}[::2]",
            lambda: f"{part()} + {part()}",
            lambda: f"list(map(lambda n: n + 1, {part()}))",
            lambda: f"[a + b for a, b in zip({part()}, {part()})]",
            lambda: f"[i * n for i, n in enumerate({part()})]",
            lambda: f"list(set({part()}))",
            lambda: f"sorted(set({part()}))",
            lambda: f"list(dict.fromkeys({part()}))",
            lambda: f"list(filter(lambda n: n % 2, {part()}))",
            lambda: f"[round(n, 1) for n in {part()}]",
            lambda: f"[int(c) for c in str({self.number(0)}) if c.isdigit()]",
            lambda: f"list(reversed({part()}))",
        )

    def items(self, depth: int = 1) -> str:
        if depth == 0:
            return self.random.choice(["items", f"{self.random.choice(TEXTS)}.split()", "list(word)"])
        part = lambda: self.items(depth - 1)  # noqa: E731
        return self.choose(
            lambda: f"[w.upper() for w in {part()}]",
            lambda: f"sorted({part()})",
            lambda: f"sorted({part()}, key=len)",
            lambda: f"sorted({part()}, key=str.lower)",
            lambda: f"sorted({part()}, key=lambda w: (len(w), w), reverse=True)",
            lambda: f"list(set({part()}))",
            lambda: (
                f"[w for w in {part()} if {self.random.choice(['w', 'len(w) > 3', 'w.isalpha()', 'w[0].isupper()'])}]"
            ),
            lambda: f"list(map(str.strip, {part()}))",
            lambda: f"list(map(str, {self.numbers(0)}))",
            lambda: f"[f'{{i}}:{{w}}' for i, w in enumerate({part()}, 1)]",
            lambda: f"{part()}[:2]",
            lambda: f"{self.text(0)}.split(',')",
        )

    def truth(self, depth: int) -> str:
        return self.choose(
            lambda: f"{self.number(0)} > {self.number(0)}",
            lambda: f"{self.text(0)} < {self.text(0)}",
            lambda: f"{self.text(0)} in {self.items(0)}",
            lambda: f"any(n > 3 for n in {self.numbers(0)})",
            lambda: f"all(w for w in {self.items(0)})",
            lambda: f"isinstance({self.number(0)}, int) and not {self.text(0)}",
            lambda: f"{self.number(0)} == {self.number(0)} or {self.items(0)}",
            lambda: f"0 <= {self.number(depth)} < 10",
        )

    def anything(self) -> str:
        return self.choose(
            lambda: f"{{w: len(w) for w in {self.items()}}}",
            lambda: f"dict(zip({self.items()}, {self.numbers()}))",
            lambda: f"({self.number()}, {self.text()})",
            lambda: f"{{{self.number()}, {self.number()}}}",
            lambda: f"[{self.truth(1)}, {self.truth(1)}]",
            lambda: f"zip({self.items()}, {self.numbers()})",
            lambda: f"(n for n in {self.numbers()})",
            lambda: f"{self.text()}.encode()",
            lambda: f"{{(1, {self.number(0)}): {self.items()}}}",
            lambda: self.counter("{}.most_common(2)"),
            lambda: self.counter("{}"),
            lambda: self.date("{}"),
            lambda: self.date("{} - {}"),
            lambda: f"max({self.items()}) + {self.number(0)}",
            lambda: f"sum({self.numbers()}) / len({self.numbers()})",
            lambda: self.decimal(),
            lambda: "None",
        )

    def counter(self, pattern: str) -> str:
        self.use("from collections import Counter")
        return pattern.format(f"Counter({self.text()})")

    def decimal(self) -> str:
        self.use("from decimal import Decimal")
        return self.choose(
            "Decimal('2.675').quantize(Decimal('0.01'))",
            f"Decimal(str({self.number(0)})) * 3",
            f"round(Decimal('{self.random.uniform(0, 9):.3f}'), 2)",
        )

    def statement(self) -> str:
        number, text = self.random.choice(NUMBERS), self.random.choice(TEXTS)
        return self.choose(
            lambda: f"{number} = {self.number()}",
            lambda: f"{number} {self.random.choice(['+=', '-=', '*=', '/='])} {self.number(1)}",
            lambda: f"{text} = {self.text()}",
            lambda: f"values = {self.numbers()}",
            lambda: f"items = {self.items()}",
            lambda: f"for n in {self.numbers()}:\n    {number} += n",
            lambda: (
                f"for i, n in enumerate(sizes):\n    if n > {self.number(0)}:\n        {number} += i * n\n        break\nelse:\n    {number} = -1"
            ),
            lambda: f"for i, n in enumerate(sizes):\n    sizes[i - 1] = n + {self.random.randint(1, 3)}",
            lambda: "for n in sizes:\n    if len(sizes) < 12:\n        sizes.append(n * 2)",
            lambda: f"while {number} > {self.number(0)} and count < 60:\n    {number} -= 7\n    count += 1",
            lambda: (
                f"if {self.truth(1)}:\n    {number} = {self.number(1)}\nelif {self.truth(1)}:\n    {text} = {self.text(1)}\nelse:\n    {number} = 0"
            ),
            lambda: self.function(number),
            lambda: self.recursion(number),
            lambda: self.record(number, text),
            lambda: (
                f"try:\n    {number} = {self.number()}\nexcept {self.random.choice(['ValueError', 'ZeroDivisionError', 'Exception', '(TypeError, IndexError)'])} as error:\n    {text} = {self.random.choice(['str(error)', 'type(error).__name__', repr('failed')])}"
            ),
            lambda: (
                f"seen = set()\nfor w in {self.items()}:\n    if w not in seen:\n        seen.add(w)\n{number} = len(seen)"
            ),
            lambda: (
                f"counts = {{}}\nfor c in {self.text()}:\n    counts[c] = counts.get(c, 0) + 1\n{text} = str(sorted(counts.items()))"
            ),
            lambda: (
                f"pairs = zip({self.items()}, {self.numbers()})\nfor w, n in pairs:\n    {number} += n\n{text} += str(len(list(pairs)))"
            ),
            lambda: f"squares = (n * n for n in {self.numbers()})\n{number} = sum(squares)",
            lambda: f"first, *rest = {self.numbers()}\n{number} = first + len(rest)",
            lambda: (
                f"table = [[r * c for c in range(3)] for r in range({self.random.randint(1, 4)})]\n{number} = sum(sum(row) for row in table)\n{text} = str(list(zip(*table)))"
            ),
            lambda: f"assert {self.truth(1)}, {self.text(0)}",
            lambda: (
                f"{self.imported('itertools')}for a, b in itertools.combinations({self.numbers()}, 2):\n    {number} += a * b"
            ),
            lambda: (
                f"{self.imported('itertools')}{number} = next(n for n in itertools.count(1) if n * n > {self.random.randint(5, 90)})"
            ),
            lambda: (
                f"{self.imported('random')}random.seed({self.random.randint(0, 9)})\n{number} = random.randint(1, 100) + random.random()\nrandom.shuffle(sizes)"
            ),
            lambda: f"print({self.text()})",
            lambda: f"print({self.number()}, {self.items()}, sep=' | ')",
            lambda: (
                f"lookup = {{'a': {self.number(1)}, 'b': {self.numbers()}}}\nlookup['c'] = lookup['a']\n{number} = lookup.get('c', 0)\n{text} = ', '.join(lookup)"
            ),
            lambda: (
                f"values.sort(reverse=True)\nsizes.{self.random.choice(['append(5)', 'insert(0, 9)', 'reverse()', 'pop()', 'extend(range(3))'])}"
            ),
            lambda: (
                f"match count:\n    case 0 | 1:\n        {number} = 1\n    case n if n < 0:\n        {number} = -n\n    case _:\n        {number} = {self.number(1)}"
            ),
            lambda: (
                f"while True:\n    count += {self.random.randint(1, 5)}\n    if count > 40: break\n    if count % 2: continue\n    {number} += 1"
            ),
        )

    def imported(self, module: str) -> str:
        self.use(f"import {module}")
        return ""

    def function(self, target: str) -> str:
        self.helpers += 1
        name = f"compute_{self.helpers}"
        lines = [
            f"def {name}(x, y={self.number(0)}, *rest, scale=1):",
            f"    z = x * {self.number(0)}" if self.random.random() < 0.5 else f"    z = {self.number(1)} + x",
            f"    if z > y:\n        return {self.random.choice(['round(z * scale, 2)', 'z - y', '(z + y) / 2', 'z // 1'])}",
            f"    return {self.number(1)}",
        ]
        call = self.random.choice(["count", "price, 3", "total, scale=2", "share, 1, 2, scale=3"])
        use = self.random.choice(
            [
                f"{target} = {name}({call})",
                f"values = [{name}(n) for n in sizes]",
                f"values = list(map({name}, sizes))",
                f"{target} = max(sizes, key={name})",
                f"{target} = sum({name}(n) for n in sizes)",
                f"{target} = any({name}(n) > 5 for n in sizes)",
            ]
        )
        return "\n".join([*lines, use])

    def recursion(self, target: str) -> str:
        n = self.random.randint(2, 18)
        self.helpers += 1
        name = f"recurse_{self.helpers}"
        cached = self.random.random() < 0.3
        if cached:
            self.use("from functools import lru_cache")
        head = "@lru_cache(maxsize=None)\n" * cached
        body = self.random.choice(
            [
                f"    return n if n < 2 else {name}(n - 1) + {name}(n - 2)",
                f"    return 1 if n <= 1 else n * {name}(n - 1)",
                f"    return 0 if n <= 0 else {name}(n // 2) + n % 3",
            ]
        )
        return f"{head}def {name}(n):\n{body}\n{target} = {name}({n})"

    def record(self, target: str, text: str) -> str:
        self.helpers += 1
        name = f"Item{self.helpers}"
        method = self.random.choice(
            [
                "def __lt__(self, other):\n        return self.size < other.size",
                "def __eq__(self, other):\n        return self.size == other.size",
                "def __add__(self, other):\n        return self.size + other.size",
                "def __len__(self):\n        return abs(int(self.size))",
                "def __bool__(self):\n        return self.size > 5",
                "def __repr__(self):\n        return f'{self.size}'",
                "def __str__(self):\n        return f'<{self.label}>'",
                "def area(self):\n        return self.size ** 2",
                "@property\n    def double(self):\n        return self.size * 2",
                "def __iter__(self):\n        return iter([self.size, 2])",
                "def __getitem__(self, i):\n        return self.label[i]",
            ]
        )
        use = self.random.choice(
            [
                "{t} = sorted([a, b])[0].size",
                "{t} = max([a, b], key=lambda each: each.size).size",
                "{s} = f'{{a}} and {{b}}'",
                "{s} = str([a == b, a != b, bool(a)])",
                "{t} = a + b",
                "{t} = len(a)",
                "{s} = str(list(a))",
                "{t} = sum(each.size for each in [a, b] if each)",
                "{t} = a.size if a else b.size",
                "ans = a",
            ]
        ).format(t=target, s=text)
        if "and" in use and "__str__" not in method:  # the default text has an address, another one each time
            method += "\n    def __repr__(self):\n        return f'{self.label}{self.size}'" * (
                "__repr__" not in method
            )
        return (
            f"class {name}:\n    def __init__(self, size, label='x'):\n        self.size = size\n        self.label = label\n"
            f"    {method}\na, b = {name}({self.number(0)}), {name}({self.number(0)}, 'why')\n{use}"
        )


def ordinary_programs(number: int, seed: int = 0) -> list[str]:
    """Return programs, the same ones for the same seed. Every second one is plain."""
    programs: list[str] = []
    attempt = 1_000_000 * seed
    while len(programs) < number:
        attempt += 1
        program = Writer(attempt, plain=len(programs) % 2 == 0).program()
        with contextlib.suppress(SyntaxError):  # nested quotes that this version of Python cannot read yet
            ast.parse(program)
            programs.append(program)
    return programs
