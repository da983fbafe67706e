# puts its descriptors over one another
import os

for fd in range(3, 20):
    try:
        os.dup2(0, fd)
    except OSError:
        pass
ans = 1
