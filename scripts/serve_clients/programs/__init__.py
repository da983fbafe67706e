"""One program for each client. Each runs in its client's environment and prints a line of JSON for each check."""
