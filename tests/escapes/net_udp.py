# sends a datagram
import socket

socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"escaped", ("127.0.0.1", udp_port))
ans = "ESCAPED"
