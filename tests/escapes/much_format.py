# formats a huge text
x = f"{1:>10000000000}"
