# makes System V semaphores (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(64, 0, 1, 0o1666) >= 0 else "refused"
