# makes a huge text
x = "a" * 10**10
