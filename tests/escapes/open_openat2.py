# reads a file through the newest open call
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
import struct, os

how = struct.pack("QQQ", 0, 0, 0)
f = libc.syscall(437, -100, canary_file.encode(), how, 24)
ans = os.read(f, 1000).decode()
