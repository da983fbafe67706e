# sends a letter
import smtplib

smtplib.SMTP("127.0.0.1", port, timeout=0.2)
ans = "ESCAPED"
