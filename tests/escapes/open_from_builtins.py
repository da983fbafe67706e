# finds open again after it is gone
import builtins

open = None
ans = builtins.open(canary_file).read()
