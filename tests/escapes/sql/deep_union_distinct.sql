-- joins many queries and removes duplicates
«5000×SELECT 1 UNION »SELECT 1
