# hides an import in a text
ans = eval("__imp" + 'ort__("subprocess").getoutput("id")')
ans = "ESCAPED " + ans if "uid=" in ans else ans
