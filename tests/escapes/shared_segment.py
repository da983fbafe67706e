# makes a System V memory segment (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(29, 0, 4096, 0o1666) >= 0 else "refused"
