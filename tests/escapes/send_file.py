# lets the kernel copy a file
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
import os

r, w = os.pipe()
ans = "ESCAPED" if os.sendfile(w, os.open(canary_file, os.O_RDONLY), 0, 100) else ""
