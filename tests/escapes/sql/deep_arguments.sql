-- calls a function with many arguments
SELECT max(«5000×1, »1)
