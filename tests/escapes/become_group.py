# joins a group
import os

os.setgroups([0])
ans = "ESCAPED"
