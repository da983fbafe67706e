# leaves the random numbers in another state
import random

random.seed(99)
ans = random.random()
