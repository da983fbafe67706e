# fetches a page
import urllib.request

ans = "ESCAPED" + str(urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=0.2).read())
