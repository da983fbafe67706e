# makes a huge list
x = [0] * 10**10
