-- creates a file in unusual writing
aTtAcH	'{drop}/escaped'	as x
