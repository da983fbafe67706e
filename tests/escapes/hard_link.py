# makes a hard link to a file
import os

os.link(canary_file, drop + "/escaped")
ans = "ESCAPED"
