# writes nonsense
import os

data = bytes(range(256)) * 100
for fd in range(1, 64):
    try:
        os.write(fd, data)
    except OSError:
        pass
ans = 1
