# pages the parent's memory out (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(440, 0, 0, 0, 21, 0) >= 0 else "refused"
