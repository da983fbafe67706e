# connects to a socket in the file system
import socket

s = socket.socket(socket.AF_UNIX)
s.connect(unix_socket)
ans = "ESCAPED"
