-- nests sub-queries
«3000×SELECT (»SELECT 1«3000×)»
