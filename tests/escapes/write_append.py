# adds to a file
open(canary_file, "a").write("escaped")
ans = "ESCAPED"
