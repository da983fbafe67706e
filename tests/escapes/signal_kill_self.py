# kills itself
import os, signal

os.kill(os.getpid(), signal.SIGKILL)
while True:
    pass
