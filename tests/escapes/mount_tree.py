# takes a tree of files along (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(428, -100, b"/", 0) >= 0 else "refused"
