# connects to a port (AF_INET)
import socket

s = socket.socket(socket.AF_INET)
s.settimeout(0.2)
s.connect(("127.0.0.1", port))
s.send(b"escaped")
ans = "ESCAPED"
