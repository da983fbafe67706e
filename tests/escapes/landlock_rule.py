# makes rules of its own (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(444, bytes(8), 8, 0) >= 0 else "refused"
