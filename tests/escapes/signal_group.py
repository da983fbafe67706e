# ends its process group
import os

os.killpg(0, 0)
ans = "ESCAPED"
