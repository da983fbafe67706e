# makes a folder
import os

os.mkdir(drop + "/escaped")
ans = "ESCAPED"
