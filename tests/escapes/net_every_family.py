# makes a socket of any family
import socket

made = []
for family in range(50):
    for kind in (1, 2, 3, 5):
        try:
            made.append(socket.socket(family, kind))
        except OSError:
            pass
ans = f"ESCAPED {made}" if made else "none"
