"""The operator's side of a run: what is asked of it, and what is shown.

``session`` takes commands, ``command_log`` knows those that were given, ``kill_file`` is the one that needs no
socket. ``control_server`` is the socket, with a ``control_peer`` for each connection and one ``control_desk`` for who
controls; ``face`` is what all of them, and an embedded UI, may do. ``picture`` makes the snapshot (``lately`` what
was earned of late), ``still`` that of a bot which does not run. ``reload`` puts a config on ``trial`` first and says
its ``effects``.
"""
