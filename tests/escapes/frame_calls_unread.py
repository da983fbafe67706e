# calls without reading the answers
import os

f = b"c" + (10).to_bytes(4, "big") + b"x\n((), {})"
while True:
    os.write(3, f)
    for fd in range(4, 20):
        try:
            os.write(fd, f)
        except OSError:
            pass
