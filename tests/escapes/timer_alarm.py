# sets an alarm
import signal

signal.alarm(5)
ans = "ESCAPED" if signal.alarm(0) == 5 else "refused"
