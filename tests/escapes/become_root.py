# becomes root
import os

os.setuid(0)
ans = "ESCAPED"
