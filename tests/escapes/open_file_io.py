# opens a file with the raw class
import _io

ans = _io.FileIO(canary_file).read().decode()
