# starts a program on a terminal of its own
import pty

pid, fd = pty.fork()
ans = "ESCAPED"
