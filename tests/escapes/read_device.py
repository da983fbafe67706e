# reads the machine's memory
ans = "ESCAPED" + str(open("/dev/mem", "rb"))
