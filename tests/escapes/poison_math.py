# changes math for the next program
import math

math.pi = 3
math.sqrt = lambda x: 0
ans = 1
