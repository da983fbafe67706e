# lets numpy compile a program
import numpy.f2py

numpy.f2py.compile("subroutine a\nend", modulename="escaped")
ans = "ESCAPED"
