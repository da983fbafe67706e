# lists the root of the file system
import os

ans = ["ESCAPED", *os.listdir("/")]
