# reads the environment that the process began with
ans = open("/proc/self/environ").read()
