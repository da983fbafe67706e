-- nests functions
SELECT «3000×abs(»1«3000×)»
