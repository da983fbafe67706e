-- nests sub-queries in FROM
«500×SELECT * FROM (»SELECT * FROM w«500×)»
