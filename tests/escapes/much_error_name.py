# raises an error with a huge name
raise type("E" * 10**6, (Exception,), {})("x")
