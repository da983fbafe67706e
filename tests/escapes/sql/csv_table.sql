-- reads a file as a virtual table
CREATE VIRTUAL TABLE temp.t USING csv(filename='{canary}')
