-- opens a second database in memory
ATTACH ':memory:' AS x
