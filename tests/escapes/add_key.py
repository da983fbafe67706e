# stores a key in the kernel (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(248, b"user", b"escaped", b"x", 1, -3) >= 0 else "refused"
