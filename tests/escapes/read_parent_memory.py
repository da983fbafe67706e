# reads the parent's memory through /proc
ans = "ESCAPED" + str(open(f"/proc/{parent}/mem", "rb"))
