-- makes a huge random blob
SELECT randomblob(2000000000)
