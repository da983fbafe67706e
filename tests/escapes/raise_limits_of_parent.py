# changes the parent's limits
import resource

resource.prlimit(parent, resource.RLIMIT_NOFILE)
ans = "ESCAPED"
