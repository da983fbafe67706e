# raises its priority
import os

os.setpriority(os.PRIO_PROCESS, parent, 10)
ans = "ESCAPED"
