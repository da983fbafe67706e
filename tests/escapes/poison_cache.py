# leaves something in the import cache
import sys, types

m = types.ModuleType("statistics")
m.mean = lambda x: 666
sys.modules["statistics"] = m
ans = 1
