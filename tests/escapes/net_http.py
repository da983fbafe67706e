# speaks HTTP
import http.client

c = http.client.HTTPConnection("127.0.0.1", port, timeout=0.2)
c.request("GET", "/")
ans = "ESCAPED"
