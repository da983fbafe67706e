# changes numpy for the next program
import numpy

numpy.sum = None
numpy.pi = 3
ans = 1
