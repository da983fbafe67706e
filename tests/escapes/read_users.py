# reads the users of the system
import pwd

found = pwd.getpwall()
ans = f"ESCAPED {found}" if len(found) > 1 else "none"
