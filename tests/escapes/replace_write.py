# replaces the system's write
import os

real = os.write
os.write = lambda fd, data: real(fd, b"\xff" * 100)
ans = 1
