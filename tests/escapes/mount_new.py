# mounts the new way (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(430, b"tmpfs", 0) >= 0 else "refused"
