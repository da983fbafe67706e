-- reads a pointer of the engine
SELECT hex(fts3_tokenizer('simple'))
