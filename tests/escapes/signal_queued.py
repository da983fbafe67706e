# sends a signal with data
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.sigqueue(parent, 0, 0) == 0 else "refused"
