# loads a kernel module (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(175, b"", 0, b"") == 0 else "refused"
