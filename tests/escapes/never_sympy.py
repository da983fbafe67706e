# never ends, in sympy
import sympy

sympy.factorint(2**1001 - 7)
sympy.factorint(3**701 + 34)
