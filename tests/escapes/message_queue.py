# makes a System V message queue (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(68, 0, 0o1666) >= 0 else "refused"
