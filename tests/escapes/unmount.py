# unmounts (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(166, b"/proc", 2) == 0 else "refused"
