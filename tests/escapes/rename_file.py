# renames a file
import os

os.rename(canary_file, drop + "/escaped")
ans = "ESCAPED"
