"""The real `iodcal` command, as a process, against local servers over real sockets."""
