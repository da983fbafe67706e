# debugs the parent
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.ptrace(16, parent, 0, 0) == 0 else "refused"
