# changes its root
import os

os.chroot("/tmp")
ans = "ESCAPED"
