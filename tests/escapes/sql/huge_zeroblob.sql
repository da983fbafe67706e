-- makes a huge blob
SELECT zeroblob(2000000000)
