# mounts a file system (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(165, b"none", b"/tmp", b"tmpfs", 0, 0) == 0 else "refused"
