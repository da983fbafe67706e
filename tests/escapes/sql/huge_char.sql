-- makes a text of many characters
SELECT length(char(«499×1114111, »1114111))
