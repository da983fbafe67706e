# reads the kernel's log (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(103, 10, 0, 0) >= 0 else "refused"
