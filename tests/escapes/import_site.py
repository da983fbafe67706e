# finds what else is installed
import sys, site

sys.path.extend(site.getsitepackages())
site.main()
import pydantic_monty

ans = "ESCAPED"
