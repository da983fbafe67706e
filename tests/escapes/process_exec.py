# becomes another program
import os

os.execv("/bin/sh", ["sh", "-c", f"echo x > {drop}/escaped; sleep 30"])
