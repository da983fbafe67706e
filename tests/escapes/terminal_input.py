# types into a terminal
import fcntl

fcntl.ioctl(0, 0x5412, b"x")
ans = "ESCAPED"
