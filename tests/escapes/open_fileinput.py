# reads a file through fileinput
import fileinput

ans = list(fileinput.input(canary_file))
