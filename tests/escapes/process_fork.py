# makes another process
import os

pid = os.fork()
if pid == 0:
    import time

    while True:
        pass
ans = "ESCAPED"
