# gives a file away
import os

os.chown(canary_file, 0, 0)
ans = "ESCAPED"
