# reads a file through an import loader
from importlib.machinery import SourceFileLoader

ans = SourceFileLoader("x", canary_file).get_data(canary_file).decode()
