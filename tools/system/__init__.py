"""Programs that try the installed daemon on whole systems: fresh roots of Debian and Ubuntu, and a real systemd.

They need root, Debian's packages `mmdebstrap` and `systemd-container`, and the network. Only a maintainer runs them.
"""
