# makes a POSIX message queue (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(240, b"escaped", 0o102, 0o600, 0) >= 0 else "refused"
