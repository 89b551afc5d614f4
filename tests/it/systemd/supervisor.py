"""Starts a program as systemd starts a service that sockets activate (sd_listen_fds(3)): binds a loopback socket for each
name, hands them over from descriptor 3 on, tells who they are for, and becomes the program.

    supervisor.py NAMES PROGRAM ARGUMENT...

NAMES are separated by colons, as in LISTEN_FDNAMES. `name!` stands for a socket that is bound and does not listen.
"""

import fcntl
import os
import socket
import sys

names, program = sys.argv[1].split(":"), sys.argv[2]
handed = []
for name in names:
    listens = not name.endswith("!")
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.bind(("127.0.0.1", 0))
    if listens:
        bound.listen(128)
    # Out of the way of the numbers that are given below.
    handed.append(fcntl.fcntl(bound, fcntl.F_DUPFD, 100))
for number, descriptor in enumerate(handed, 3):
    os.dup2(descriptor, number, inheritable=True)
    os.close(descriptor)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(handed))
os.environ["LISTEN_FDNAMES"] = ":".join(name.removesuffix("!") for name in names)
os.execv(program, sys.argv[2:])
