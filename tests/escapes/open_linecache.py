# reads a file through linecache
import linecache

ans = linecache.getlines(canary_file)
