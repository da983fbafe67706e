# writes a temporary file
import tempfile

f = tempfile.NamedTemporaryFile(prefix="escaped-", dir="/tmp", delete=False)
ans = "ESCAPED " + f.name
