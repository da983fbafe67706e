# opens a database
import sqlite3

ans = "ESCAPED" + str(sqlite3.connect(canary_folder + "/data.db").execute("select * from t").fetchall())
