# makes namespaces of its own (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(272, 0x10000000) == 0 else "refused"
