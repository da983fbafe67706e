-- adds many numbers
SELECT«19999× 1 +» 1
