# makes a device
import os, stat

os.mknod(drop + "/escaped", stat.S_IFREG | 0o600)
ans = "ESCAPED"
