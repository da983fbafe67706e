# makes calls with another numbering (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(1073741865, 2, 1, 0) >= 0 else "refused"
