# makes another process with flags (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(56, 17, 0, 0, 0, 0) > 0 else "refused"
