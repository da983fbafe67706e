# names the machine (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(170, b"escaped", 7) == 0 else "refused"
