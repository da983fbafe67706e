# leaves with a text
import sys

sys.exit("ESCAPED" if 0 else "bye")
