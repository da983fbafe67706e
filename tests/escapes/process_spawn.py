# starts a program below subprocess
import os

os.posix_spawn("/bin/sh", ["sh", "-c", f"echo x > {drop}/escaped"], {})
ans = "ESCAPED"
