# writes a result that is nested too deep
import os

data = b"v" + (20000).to_bytes(4, "big") + b"[" * 20000
for fd in range(1, 64):
    try:
        os.write(fd, data)
    except OSError:
        pass
ans = 1
