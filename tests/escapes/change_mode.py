# opens a file to everybody
import os

os.chmod(canary_file, 0o777)
ans = "ESCAPED"
