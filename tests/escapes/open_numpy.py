# reads a file through numpy
import numpy

ans = numpy.fromfile(canary_file, dtype="S1").tobytes().decode()
