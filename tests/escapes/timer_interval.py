# sets a timer that loops
import signal


def loop(*_):
    while True:
        pass


signal.signal(signal.SIGALRM, loop)
signal.setitimer(signal.ITIMER_REAL, 0.01)
ans = "ESCAPED"
