# opens a debugger by name
import pdb

pdb.run("ans = 1")
