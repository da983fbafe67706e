-- nests brackets
SELECT «5000×(»1«5000×)»
