-- has a text without an end
SELECT «6001×'»
