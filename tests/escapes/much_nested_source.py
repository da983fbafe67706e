# nests its source too deep
exec("(" * 10**5 + ")" * 10**5)
