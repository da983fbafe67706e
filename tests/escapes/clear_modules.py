# clears all modules
import sys

sys.modules.clear()
ans = 1
