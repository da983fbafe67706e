# reads a file by its address
import urllib.request

ans = urllib.request.urlopen("file://" + canary_file).read().decode()
