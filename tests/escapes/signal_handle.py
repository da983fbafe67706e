# sends a signal by a handle
import os, signal

fd = os.pidfd_open(parent)
signal.pidfd_send_signal(fd, 0)
ans = "ESCAPED"
