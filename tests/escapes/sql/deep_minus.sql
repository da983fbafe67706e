-- nests signs
SELECT«20000× -» 1
