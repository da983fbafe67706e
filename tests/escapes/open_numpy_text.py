# reads a file through numpy's text reader
import numpy

ans = str(numpy.genfromtxt(canary_file, dtype=str, delimiter="~"))
