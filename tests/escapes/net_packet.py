# listens to all packets
import socket

socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
ans = "ESCAPED"
