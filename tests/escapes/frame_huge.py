# announces a frame of four gigabytes
import os

data = b"v" + b"\xff" * 4 + b"x" * 1000
for fd in range(1, 64):
    try:
        os.write(fd, data)
    except OSError:
        pass
ans = 1
