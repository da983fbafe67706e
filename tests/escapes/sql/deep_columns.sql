-- selects many columns
SELECT«4999× 1,» 1
