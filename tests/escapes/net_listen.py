# opens a port
import socket

s = socket.create_server(("127.0.0.1", 0))
ans = "ESCAPED"
