# reads the parent's memory
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
import struct

b = ctypes.create_string_buffer(8)
local = struct.pack("QQ", ctypes.addressof(b), 8)
remote = struct.pack("QQ", id(b), 8)
ans = "ESCAPED" if libc.process_vm_readv(parent, local, 1, remote, 1, 0) > 0 else "refused"
