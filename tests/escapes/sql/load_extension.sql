-- loads machine code
SELECT load_extension('{drop}/library')
