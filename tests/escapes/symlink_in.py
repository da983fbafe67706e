# makes a link to a file
import os

os.symlink(canary_file, drop + "/escaped")
ans = "ESCAPED"
