# closes every descriptor and goes on
import os

os.closerange(0, 1000)
while True:
    pass
