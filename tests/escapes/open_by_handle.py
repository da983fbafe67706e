# opens a file by its handle (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(304, -100, b"x" * 64, 0) >= 0 else "refused"
