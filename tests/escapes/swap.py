# turns swapping on (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(167, b"/tmp/x", 0) == 0 else "refused"
