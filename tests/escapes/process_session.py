# leaves its session
import os

os.setsid()
ans = "ESCAPED"
