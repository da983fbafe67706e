# has itself kept when the forker ends (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(157, 1, 0, 0, 0, 0) == 0 else "refused"
