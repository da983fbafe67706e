# writes a log
import logging

logging.FileHandler(drop + "/escaped").emit(logging.makeLogRecord({"msg": "x"}))
ans = "ESCAPED"
