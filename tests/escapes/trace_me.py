# asks to be debugged
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.ptrace(0, 0, 0, 0) == 0 else "refused"
