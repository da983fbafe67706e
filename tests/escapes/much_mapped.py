# maps memory without end
import mmap

x = [mmap.mmap(-1, 2**28) for _ in range(1000)]
ans = "ESCAPED"
