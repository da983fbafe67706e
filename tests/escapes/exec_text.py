# hides a file in a text
exec("ans = op" + "en(canary_file).read()")
