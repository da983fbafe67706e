# maps a file through numpy
import numpy

ans = numpy.memmap(canary_file, mode="r").tobytes().decode()
