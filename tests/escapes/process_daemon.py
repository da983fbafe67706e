# leaves a daemon behind
import os

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import time

        while True:
            pass
ans = "ESCAPED"
