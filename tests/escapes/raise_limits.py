# raises its limits
import resource

resource.setrlimit(resource.RLIMIT_FSIZE, (10**9, 10**9))
ans = "ESCAPED"
