# sends a signal to a thread
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.syscall(234, parent, parent, 0) == 0 else "refused"
