# compares processes (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(312, 1, 1, 0, 0, 0) >= 0 else "refused"
