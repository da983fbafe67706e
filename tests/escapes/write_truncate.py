# empties a file
import os

os.truncate(canary_file, 0)
ans = "ESCAPED"
