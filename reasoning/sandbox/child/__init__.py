"""What runs inside the child process: the process that forks, its locks, and the runner of one program.

It is started clean, without our packages: it imports from here and from the standard library only.
"""
