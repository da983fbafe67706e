# reads the environment of the C library
import ctypes

environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
ans = [environ[i] for i in range(100) if environ[i]] if environ else []
ans = repr(ans)
