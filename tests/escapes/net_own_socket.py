# sends descriptors over the socket that it has
import os, socket

ans = []
for fd in range(3, 20):
    try:
        s = socket.socket(fileno=os.dup(fd))
        socket.send_fds(s, [b"x"], [0])
        ans.append("ESCAPED")
    except (OSError, ValueError):
        pass
