# reaches all processes
import os

os.kill(-1, 0)
ans = "ESCAPED"
