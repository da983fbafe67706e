# writes a file through numpy
import numpy

numpy.save(drop + "/escaped", numpy.ones(3))
ans = "ESCAPED"
