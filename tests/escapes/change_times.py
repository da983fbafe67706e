# changes a file's times
import os

os.utime(canary_file, (1, 1))
ans = "ESCAPED"
