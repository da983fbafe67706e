# opens a file for reading and writing
open(canary_file, "r+").write("escaped")
ans = "ESCAPED"
