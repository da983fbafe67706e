# writes frames without end
import os

data = (b"o" + (1000).to_bytes(4, "big") + b"x" * 1000) * 1000
for fd in range(1, 64):
    try:
        os.write(fd, data)
    except OSError:
        pass
ans = 1
