# imports by a computed name
ans = __import__("o" + "s").environ.get("OPENAI_API_KEY")
