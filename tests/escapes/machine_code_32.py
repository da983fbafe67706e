# makes calls of another instruction set
import ctypes, mmap, platform

code = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3" if platform.machine() == "x86_64" else b"\x00" * 8
m = mmap.mmap(-1, 4096, prot=7)
m.write(code)
f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))
ans = f"ESCAPED {f()}"
