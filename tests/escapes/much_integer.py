# computes a huge number
x = 9**9**9
