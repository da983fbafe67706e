# reads the kernel's keys (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(250, 6, -3, 0, 0, 0) >= 0 else "refused"
