# reads a system file
ans = "ESCAPED " + open("/etc/passwd").read()
