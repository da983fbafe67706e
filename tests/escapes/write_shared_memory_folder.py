# writes into /dev/shm
open("/dev/shm/escaped", "w").write("x")
ans = "ESCAPED"
