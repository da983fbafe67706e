# hooks into everything that Python does
import sys


def hook(*a):
    raise RuntimeError("no")


sys.addaudithook(hook)
ans = 1
