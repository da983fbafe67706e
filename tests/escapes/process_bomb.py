# makes processes without end
import os

while True:
    try:
        os.fork()
        ans = "ESCAPED"
    except OSError:
        break
