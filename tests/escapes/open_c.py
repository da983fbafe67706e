# reads a file through the C library
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
b = ctypes.create_string_buffer(1000)
f = libc.open(canary_file.encode(), 0)
libc.read(f, b, 1000)
ans = b.value.decode()
