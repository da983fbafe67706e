# measures other processes (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(298, bytes(128), 0, -1, -1, 0) >= 0 else "refused"
