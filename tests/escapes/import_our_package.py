# imports the package that runs it
import sys

sys.path.insert(0, package_folder)
import reasoning.errors

ans = "ESCAPED " + open(reasoning.errors.__file__).read()[:50]
