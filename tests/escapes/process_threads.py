# starts a thread
import threading

t = threading.Thread(target=print)
t.start()
ans = "ESCAPED"
