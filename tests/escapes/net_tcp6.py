# connects to a port (AF_INET6)
import socket

s = socket.socket(socket.AF_INET6)
s.settimeout(0.2)
s.connect(("::1", port))
s.send(b"escaped")
ans = "ESCAPED"
