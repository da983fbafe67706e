# reaches a file through /proc/self/root
ans = open("/proc/self/root" + canary_file).read()
