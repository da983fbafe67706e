# lets sympy evaluate a text
import sympy

ans = str(sympy.sympify(f"open({canary_file!r}).read()"))
