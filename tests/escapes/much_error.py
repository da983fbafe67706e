# raises an error with a huge message
raise ValueError("x" * 10**7)
