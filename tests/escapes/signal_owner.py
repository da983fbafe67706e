# has the kernel send signals to the parent
import fcntl, os, signal

fcntl.fcntl(3, 8, parent)
fcntl.fcntl(3, 10, signal.SIGTERM)
ans = "ESCAPED"
