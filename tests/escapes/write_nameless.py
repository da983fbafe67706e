# makes a file without a name
import os

os.open(drop, os.O_TMPFILE | os.O_WRONLY)
ans = "ESCAPED"
