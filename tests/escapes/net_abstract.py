# connects to an abstract socket
import socket

s = socket.socket(socket.AF_UNIX)
s.connect(abstract_socket.encode())
ans = "ESCAPED"
