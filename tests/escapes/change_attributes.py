# sets a file's attributes
import os

os.setxattr(canary_file, "user.escaped", b"x")
ans = "ESCAPED"
