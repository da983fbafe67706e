-- makes a huge text with commas
SELECT printf('%,.100000000f', 1e300)
