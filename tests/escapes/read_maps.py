# reads where memory is mapped
ans = "ESCAPED" + open("/proc/self/maps").read()[:100]
