# talks to radios
import socket

socket.socket(31, socket.SOCK_RAW, 1)
ans = "ESCAPED"
