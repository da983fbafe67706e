# writes compiled code
import py_compile

py_compile.compile(canary_folder + "/planted.py", drop + "/escaped")
ans = "ESCAPED"
