# replaces its filter (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(317, 1, 0, bytes(16)) == 0 else "refused"
