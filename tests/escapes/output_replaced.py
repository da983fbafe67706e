# replaces its standard output
import sys

sys.stdout = open(drop + "/escaped", "w")
print("x")
ans = "ESCAPED"
