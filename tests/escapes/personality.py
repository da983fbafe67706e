# changes how the kernel treats it (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(135, 0x0040000) != -1 else "refused"
