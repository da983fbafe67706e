# does something when Python ends
import atexit

atexit.register(lambda: open(drop + "/escaped", "w").write("x"))
ans = 1
