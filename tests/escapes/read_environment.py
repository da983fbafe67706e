# reads the environment for keys
import os

ans = dict(os.environ)
