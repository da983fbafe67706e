# watches the file system for changes
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ans = "ESCAPED" if libc.inotify_init() >= 0 else "refused"
