# writes a database
import shelve

shelve.open(drop + "/escaped")["x"] = 1
ans = "ESCAPED"
