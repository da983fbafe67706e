# stops itself, so that it never ends
import os, signal

os.kill(os.getpid(), signal.SIGSTOP)
ans = "went on"
