# makes another process the new way (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(435, bytes(88), 88) > 0 else "refused"
