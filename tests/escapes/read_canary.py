# reads a file of the user's
ans = open(canary_file).read()
