# connects through the C library
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
import struct

s = libc.socket(2, 1, 0)
address = struct.pack("=H", 2) + struct.pack(">H", port) + bytes([127, 0, 0, 1]) + bytes(8)
ans = "ESCAPED" if libc.connect(s, address, 16) == 0 else "refused"
