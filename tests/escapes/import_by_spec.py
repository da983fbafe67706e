# loads a module by its place
import importlib.util

spec = importlib.util.spec_from_file_location("planted", canary_folder + "/planted.py")
m = importlib.util.module_from_spec(spec)
spec.loader.exec_module(m)
ans = m.value
