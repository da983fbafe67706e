# writes a database file
import sqlite3

c = sqlite3.connect(drop + "/escaped")
c.execute("create table t (x)")
ans = "ESCAPED"
