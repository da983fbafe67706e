# traces its runner to change what it does
import sys


def trace(frame, event, arg):
    frame.f_globals["PROGRAM"] = "x"
    raise RuntimeError("no")


sys.settrace(trace)
sys._getframe(1).f_trace = trace
ans = 1
