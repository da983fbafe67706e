# searches all modules for keys
import sys

ans = [
    (n, k)
    for n, m in list(sys.modules.items())
    for k, v in list(vars(m).items())
    if isinstance(v, str) and ("CANARY" + "-") in v
]
