# reads a file as a time zone
import dateutil.tz

ans = repr(dateutil.tz.tzfile(canary_file))
