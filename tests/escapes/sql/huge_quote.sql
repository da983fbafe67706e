-- doubles a text with quotes
SELECT length(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote(quote('''''''''')))))))))))))))))))))))))))))))))))))))))
