# takes long to compile
exec("x = " + "+".join(["1"] * 10**5) + "\n" + "lambda: " * 80 + "0")
exec("(" * 150 + ")" * 150)
