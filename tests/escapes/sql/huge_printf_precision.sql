-- makes a huge number by a precision
SELECT printf('%.2000000000f', 1.0)
