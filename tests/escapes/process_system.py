# starts a shell
import os

ans = "ESCAPED" if os.system(f"echo x > {drop}/escaped") == 0 else "refused"
