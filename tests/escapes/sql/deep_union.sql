-- joins many queries
«4999×SELECT 1 UNION ALL »SELECT 1
