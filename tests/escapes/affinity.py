# moves the parent to another processor
import os

os.sched_setaffinity(parent, {0})
ans = "ESCAPED"
