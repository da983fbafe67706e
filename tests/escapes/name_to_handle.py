# asks for a file's handle (a call of x86_64)
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = (
    "ESCAPED"
    if libc.syscall(303, -100, canary_file.encode(), b"\x80" + bytes(200), ctypes.byref(ctypes.c_int()), 0) == 0
    else "refused"
)
