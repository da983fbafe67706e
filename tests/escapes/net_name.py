# looks a name up
import socket

ans = "ESCAPED" + str(socket.getaddrinfo("localhost", 80, socket.AF_INET)[0][4] and socket.gethostbyname("example.org"))
