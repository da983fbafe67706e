# makes a pair of sockets
import socket

socket.socketpair()
ans = "ESCAPED"
