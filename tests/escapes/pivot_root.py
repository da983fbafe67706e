# changes the root (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(155, b"/tmp", b"/tmp") == 0 else "refused"
