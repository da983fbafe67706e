-- runs a command of the shell
.shell touch {drop}/escaped
