-- returns many columns
SELECT«899× *,» * FROM w, w, w
