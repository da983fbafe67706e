# writes a gigabyte to its standard output
import os

try:
    for _ in range(1000):
        os.write(1, b"x" * 10**6)
except OSError:
    pass
ans = 1
