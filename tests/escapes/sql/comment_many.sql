-- has many comments before a statement
«20000×/**/»DELETE FROM w
