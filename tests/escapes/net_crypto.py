# talks to the kernel's ciphers
import socket

socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
ans = "ESCAPED"
