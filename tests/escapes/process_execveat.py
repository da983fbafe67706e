# becomes another program the new way (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(322, -100, b"/bin/true", 0, 0, 0) == 0 else "refused"
