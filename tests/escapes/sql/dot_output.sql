-- writes a file with a command of the shell
.output {drop}/escaped
SELECT 1;
