# lets sympy generate code
import sympy

x = sympy.Symbol("x")


class Bad(sympy.Symbol):
    def _numpycode(self, printer):
        return f"open({canary_file!r}).read()"


ans = sympy.lambdify(x, Bad("y"), "numpy")(1)
