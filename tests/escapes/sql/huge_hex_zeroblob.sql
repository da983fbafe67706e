-- makes a huge text of a blob
SELECT hex(zeroblob(999999999))
