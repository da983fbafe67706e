# makes a timer of the kernel (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(222, 0, 0, ctypes.byref(ctypes.c_int())) >= 0 else "refused"
