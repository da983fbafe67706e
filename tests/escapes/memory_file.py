# makes a file in memory
import os

os.memfd_create("escaped")
ans = "ESCAPED"
