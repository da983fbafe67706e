# makes a named pipe
import os

os.mkfifo(drop + "/escaped")
ans = "ESCAPED"
