# makes a huge array
import numpy

x = numpy.ones(10**10)
